"""Adversarial training and its measurement: the only package that imports torch."""
