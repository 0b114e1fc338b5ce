"""A model from outside: which file, which name in it, and the text that was read of it."""

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from circuits.quantities import Parameters

_NAME = r"[A-Za-z0-9_][A-Za-z0-9_.+/-]{0,63}"


class ModelFile(Parameters):
    """A subcircuit or diode model of a SPICE library file.

    The text is what was read and screened, so that a configuration that holds it does without the
    file; `netlists.models.with_models` fills it in.
    """

    file: str = Field(
        description="SPICE library file, its path from the working folder",
        pattern=r"^[^\x00-\x1f\x7f\u2028\u2029]{1,1000}$",
    )
    name: str = Field(description="of the subcircuit or model in it", pattern=f"^{_NAME}$")
    text: str | None = Field(
        default=None,
        description="what was read of the file, without all that the model does without",
        max_length=1_000_000,
    )


def is_reference(value: Any) -> bool:
    """Whether a value is text of the form `FILE:NAME`."""
    return isinstance(value, str) and ":" in value


def _read_reference(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    file, colon, name = value.rpartition(":")
    if not colon or not file or not name:
        raise ValueError(
            f"wanted FILE:NAME, a SPICE library and the name of the model in it, got {value!r}"
        )
    return {"file": file, "name": name}


ModelReference = Annotated[ModelFile, BeforeValidator(_read_reference)]
"""A `ModelFile`, or `FILE:NAME` for one."""
