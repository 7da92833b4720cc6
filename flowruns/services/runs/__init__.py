"""Flow runs and task runs: made, moved from state to state, answered, logged."""
