"""Mutated input for everything that reads a file of a stranger: `python -m tests.fuzz --help`."""
