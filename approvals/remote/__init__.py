"""Other servers: their waiting runs become approvals here, and what is answered here goes there."""
