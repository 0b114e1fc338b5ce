"""Models of op-amps and diodes from outside: read, screened, and put into decks as text."""

from netlists.models.option import OPAMP, ModelOption
from netlists.models.reading import (
    diode_cells,
    opamp_cells,
    require_built_in,
    require_shielded,
    with_models,
)

__all__ = [
    "OPAMP",
    "ModelOption",
    "diode_cells",
    "opamp_cells",
    "require_built_in",
    "require_shielded",
    "with_models",
]
