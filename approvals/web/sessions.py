"""Sessions as Django keeps them in the database, read by a statement that is written once."""

from datetime import UTC, datetime
from typing import Any

from django.contrib.sessions.backends import db
from django.contrib.sessions.models import Session

from flowruns.models.prepared import PreparedQuery

_sessions = PreparedQuery(Session.objects.all(), by=("session_key", "expire_date__gt"))


class SessionStore(db.SessionStore):
    """What `SESSION_ENGINE` asks for: every page reads a session."""

    def load(self) -> dict[str, Any]:
        """Return what a session holds, nothing where it has ended."""
        found = _sessions.find(self.session_key, datetime.now(UTC))
        if found is None:
            self._session_key = None
            return {}
        return self.decode(found.session_data)
