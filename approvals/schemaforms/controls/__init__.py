"""One class per kind of field, and what all of them share."""
