"""Source formats; each parser runs in a limited child process."""
