"""What a process tells the server meanwhile: log lines, task runs, that it is there."""
