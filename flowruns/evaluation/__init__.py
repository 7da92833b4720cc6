"""Evaluating what clients send, such as schemas, patterns and templates, in bounded time."""
