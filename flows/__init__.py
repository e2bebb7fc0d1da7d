"""The order: what happens when."""
