"""PostgreSQL that answers nothing: found out before a request waits for it."""

from typing import Any

from psycopg import Connection, OperationalError, generators
from psycopg.pq import ExecStatus

# A line that was cut says nothing, so the system looks after it: seconds of silence until it does,
# seconds between two looks, and how many in vain; milliseconds until what was sent has to be taken.
LIVELINESS = {
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
}
CHECK_SECONDS = 2.0


def check_answers(connection: Connection[Any]) -> None:
    """Raise `OperationalError` where a connection is broken, or is not answered soon.

    As psycopg's own check of a pool, which waits without end.
    """
    asking = connection.pgconn
    asking.send_query(b"")
    answers = connection.wait(generators.execute(asking), timeout=CHECK_SECONDS)
    if any(answer.status != ExecStatus.EMPTY_QUERY for answer in answers):
        raise OperationalError("The connection has been ended by the server.")
