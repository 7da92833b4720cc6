"""Which schemas an approval has shown, so that what was typed into one can be read later."""

import hashlib

from approvals.models import Approval, AskedSchema


def digest_schema(schema: str) -> str:
    """Return a short name of a stored schema; "" where nothing is asked."""
    return hashlib.sha256(schema.encode()).hexdigest()[:32] if schema else ""


def keep_schema(approval: Approval, schema: str) -> None:
    """Keep a schema that somebody has filled in, or may be filling in now."""
    if not schema:
        return
    asked = AskedSchema(approval=approval, digest=digest_schema(schema), schema=schema)
    if not AskedSchema.objects.filter(approval=approval, digest=asked.digest).exists():
        AskedSchema.objects.bulk_create([asked], ignore_conflicts=True)


def find_schema(approval: Approval, digest: str) -> str | None:
    """Return the schema of that digest, if this approval has asked it."""
    if not digest.isalnum():  # it may come from anybody's form
        return None
    asked = AskedSchema.objects.filter(approval=approval, digest=digest).first()
    return asked.schema if asked else None
