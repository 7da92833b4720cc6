"""SQLite as Django's database, as `ENGINE` names it."""
