"""JSON schema → HTML form → JSON value, on the server, without JavaScript."""

from approvals.schemaforms.decode import PostedData
from approvals.schemaforms.form import Form, describe_answer, open_form, read_form
from approvals.schemaforms.problems import Problem
from approvals.schemaforms.values import JSONValue

__all__ = [
    "Form",
    "JSONValue",
    "PostedData",
    "Problem",
    "describe_answer",
    "open_form",
    "read_form",
]
