"""Layout templates: which step takes and makes what."""
