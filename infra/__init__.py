"""The means: bytes, keys, events and clocks. Knows no dataset and imports nothing else of ours."""
