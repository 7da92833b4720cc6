"""Serving deployments: registering them, and a process for each of their runs."""
