"""The product's version: that of the installed distribution."""

from importlib.metadata import version

VERSION = version("approvals")
