"""States, the rules between them and their verdicts: pure functions of the standard library."""
