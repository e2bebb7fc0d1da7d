"""The nine steps, each as one function of an act and references. No orchestrator, no validation engine, no torch."""
