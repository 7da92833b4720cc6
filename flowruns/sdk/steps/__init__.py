"""What an operation asks its driver to do, and the two drivers; nothing here waits by itself."""
