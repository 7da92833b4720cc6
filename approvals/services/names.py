"""Names in order, each found in an index behind the last one: their rows are never all read."""

from django.db import connection

_NAMES = """
WITH RECURSIVE names(name) AS (
    SELECT ''
    UNION ALL
    SELECT ({next_name}) FROM names WHERE name IS NOT NULL
)
SELECT name FROM names WHERE name <> '' LIMIT %s
"""


def read_names(next_name: str, *, most: int) -> list[str]:
    """Return the first names; `next_name` is the SQL of the first one behind `names.name`."""
    with connection.cursor() as cursor:
        cursor.execute(_NAMES.format(next_name=next_name), [most])
        return [name for (name,) in cursor.fetchall()]
