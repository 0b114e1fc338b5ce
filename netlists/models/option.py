"""What a command line takes for a model: a name that is built in, or FILE:NAME."""

from collections.abc import Sequence
from typing import Any, get_args

import click

from circuits.model_file import is_reference
from circuits.opamp import BuiltIn


class ModelOption(click.ParamType):
    """One of a few names, or `FILE:NAME` of a SPICE library."""

    name = "model"

    def __init__(self, names: Sequence[str]) -> None:
        self._names = tuple(names)

    def get_metavar(self, *_: Any, **__: Any) -> str:
        """As help shows it."""
        return f"[{'|'.join(self._names)}|FILE:NAME]"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Take a value that is one of the names or has the form `FILE:NAME`."""
        if value in self._names or is_reference(value):
            return value
        listed = ", ".join(repr(name) for name in self._names)
        return self.fail(f"{value!r} is not one of {listed}, nor FILE:NAME.", param, ctx)


OPAMP = ModelOption(get_args(BuiltIn))
"""Op-amps on a command line."""
