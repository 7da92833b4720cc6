"""What the API serves of the desk itself, beside the flow runs."""
