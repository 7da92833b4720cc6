"""Requests and addresses: who may see a page, who may log in, what comes before the views."""
