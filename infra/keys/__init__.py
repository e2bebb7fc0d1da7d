"""Where private keys lie."""
