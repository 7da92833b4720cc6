"""What is wrong with an installation, in sentences: here, in the database, from outside."""
