"""Flows to try the product with: plain scripts, as an author of flows would write them."""
