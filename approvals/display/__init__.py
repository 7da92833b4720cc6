"""What reviewers read, in their words: labels, Markdown, tables, chapters of the documentation."""
