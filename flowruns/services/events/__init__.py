"""What happened, as events: recorded, derived and found again."""
