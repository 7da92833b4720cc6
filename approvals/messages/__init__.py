"""Telling people: an outbox that fills in the transaction of an event, and loops that empty it."""
