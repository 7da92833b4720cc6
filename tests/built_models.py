"""Pydantic's models, built where they are loaded; most would be when they are first used."""

from pydantic import BaseModel


def build_models() -> None:
    """Build all models that are loaded, so that no fork of this process has to."""
    found = BaseModel.__subclasses__()
    while found:
        model = found.pop()
        found.extend(model.__subclasses__())
        if not model.__pydantic_complete__:
            model.model_rebuild(raise_errors=False)
