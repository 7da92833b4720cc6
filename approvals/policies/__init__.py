"""Who may answer, judged: pure functions of policies, votes and facts. No database, no Django."""
