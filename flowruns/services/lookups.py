"""Looking up one row."""

from django.db.models import Model, QuerySet


def one[M: Model](found: QuerySet[M], missing: Exception | type[Exception]) -> M:
    """Return the first row of a query; raise `missing` where there is none."""
    row = found.first()
    if row is None:
        raise missing
    return row
