"""Slots: how many may do the same at a time."""
