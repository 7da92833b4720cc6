"""Block types, their schemas, and documents with their secrets."""
