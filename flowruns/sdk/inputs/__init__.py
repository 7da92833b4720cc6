"""Asking people, and messages between runs: types, schemas, pauses, answers."""
