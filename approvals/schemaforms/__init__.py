"""JSON schema → HTML form → JSON value, on the server, without JavaScript."""

from approvals.schemaforms.decode import OPERATION, PostedData
from approvals.schemaforms.files import FileStore, NotKeptError, name_kept
from approvals.schemaforms.form import Form, describe_answer, find_options, open_form, read_form
from approvals.schemaforms.problems import Problem
from approvals.schemaforms.values import JSONValue

__all__ = [
    "OPERATION",
    "FileStore",
    "Form",
    "JSONValue",
    "NotKeptError",
    "PostedData",
    "Problem",
    "describe_answer",
    "find_options",
    "name_kept",
    "open_form",
    "read_form",
]
