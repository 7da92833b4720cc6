"""Prefect servers that we mirror: their REST dialect, their stream, and how they are answered."""
