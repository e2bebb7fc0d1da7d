"""Hardline."""
