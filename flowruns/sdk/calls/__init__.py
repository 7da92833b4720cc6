"""The server's API, one function per operation."""
