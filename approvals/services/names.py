"""Names in order, each found in an index behind the last one: their rows are never all read."""

from django.db import connection

_NAMES = """
SELECT {number}, name FROM (
    WITH RECURSIVE names(name) AS (
        SELECT ''
        UNION ALL
        SELECT ({next_name}) FROM names WHERE name IS NOT NULL
    )
    SELECT name FROM names WHERE name <> '' LIMIT {most}
) AS names
"""


def read_names(*next_names: str, most: int) -> list[list[str]]:
    """Return the first names of each kind, all by one statement.

    `next_names` are the SQL of the first name of a kind behind `names.name`.
    """
    kinds = enumerate(next_names)
    parts = (_NAMES.format(number=kind, next_name=sql, most=most) for kind, sql in kinds)
    found: list[list[str]] = [[] for _ in next_names]
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(parts))
        for kind, name in cursor.fetchall():
            found[kind].append(name)
    return found
