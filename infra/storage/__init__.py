"""Where sealed objects lie."""
