"""Hearing of commits, in this process and others, and waking who waits."""
