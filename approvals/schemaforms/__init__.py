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
from approvals.schemaforms.posted import OPERATION, FileStore, NotKeptError, PostedData
from approvals.schemaforms.survey import Remark, list_remarks
from approvals.schemaforms.values import JSONValue

__all__ = [
    "OPERATION",
    "Changes",
    "FileStore",
    "Form",
    "JSONValue",
    "NotKeptError",
    "PostedData",
    "Problem",
    "Remark",
    "carry_over",
    "describe_answer",
    "describe_problems",
    "fill_form",
    "find_options",
    "list_remarks",
    "name_kept",
    "open_form",
    "read_form",
]
