"""Prompt sets of the field: one file per set, each a loader and the card of what it loads."""
