"""JSON schema → HTML form → JSON value, on the server, without JavaScript."""

from approvals.schemaforms.carrying import Changes, carry_over, fill_form
from approvals.schemaforms.decode import OPERATION, PostedData
from approvals.schemaforms.files import FileStore, NotKeptError, name_kept
from approvals.schemaforms.form import (
    Form,
    describe_answer,
    describe_problems,
    find_options,
    open_form,
    read_form,
)
from approvals.schemaforms.problems import Problem
from approvals.schemaforms.schema import SchemaTrouble
from approvals.schemaforms.survey import Remark, list_remarks
from approvals.schemaforms.values import JSONValue
from approvals.schemaforms.withholding import has_secrets, withhold_secrets

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
    "SchemaTrouble",
    "carry_over",
    "describe_answer",
    "describe_problems",
    "fill_form",
    "find_options",
    "has_secrets",
    "list_remarks",
    "name_kept",
    "open_form",
    "read_form",
    "withhold_secrets",
]
