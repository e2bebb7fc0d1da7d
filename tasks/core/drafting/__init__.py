"""A first contract and suite for data that nobody has described yet: profile, choose, write. A person reviews the result."""
