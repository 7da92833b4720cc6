"""ASGI in front of Django: held requests, limits, websockets, start and stop."""
