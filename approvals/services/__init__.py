"""Use cases of reviewers, and the only code that writes their tables."""
