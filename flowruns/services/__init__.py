"""Use cases about flow runs, and the only code that writes their tables."""
