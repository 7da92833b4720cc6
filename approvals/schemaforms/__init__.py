"""JSON schema → HTML form → JSON value, on the server, without JavaScript."""

from approvals.schemaforms.carrying import Changes, carry_over, fill_form
from approvals.schemaforms.controls.files import name_kept
from approvals.schemaforms.controls.problems import Problem
from approvals.schemaforms.form import (
    Form,
    describe_answer,
    describe_problems,
    find_options,
    open_form,
    read_form,
)
from approvals.schemaforms.plain import (
    Entry,
    PlainField,
    list_plain_fields,
    list_plain_problems,
    read_plain_fields,
)
from approvals.schemaforms.posted import OPERATION, FileNotStored, FileStore, PostedData
from approvals.schemaforms.schema.document import SchemaUnsupported
from approvals.schemaforms.survey import Remark, list_remarks
from approvals.schemaforms.values import JSONValue
from approvals.schemaforms.withholding import has_secrets, withhold_secrets

__all__ = [
    "OPERATION",
    "Changes",
    "Entry",
    "FileNotStored",
    "FileStore",
    "Form",
    "JSONValue",
    "PlainField",
    "PostedData",
    "Problem",
    "Remark",
    "SchemaUnsupported",
    "carry_over",
    "describe_answer",
    "describe_problems",
    "fill_form",
    "find_options",
    "has_secrets",
    "list_plain_fields",
    "list_plain_problems",
    "list_remarks",
    "name_kept",
    "open_form",
    "read_form",
    "read_plain_fields",
    "withhold_secrets",
]
