"""Break processes, databases and clocks, and see what is lost: `python -m tests.faults`."""
