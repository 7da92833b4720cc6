"""What runs inside flows: httpx and pydantic only, no Django."""
