"""The passes on which workers failed: kept with all that running them again takes."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from circuits import ResistorPairs
from netlists.build import build_deck, control_names
from netlists.spice import format_deck
from sim.engines.circuit import pass_stretches
from sim.engines.description import EngineDescription
from sim.errors import UserError
from sim.npz import read_npz
from sim.passes import Passes
from sim.workers.content import (
    passes_from_arrays,
    passes_to_arrays,
    resistors_from_arrays,
    resistors_to_arrays,
)

PASSES = "failed-passes.npz"
"""Name of the file."""

_DESCRIPTION = "engine"


@dataclass(frozen=True)
class FailedPasses:
    """Passes that failed.

    Attributes:
        description: of the engine.
        pairs: the resistors in it; shape (N_l, N_{l−1}) a layer, with biases one column more.
        passes: that failed.
    """

    description: EngineDescription
    pairs: tuple[ResistorPairs, ...]
    passes: Passes

    def deck(self) -> str:
        """The first of the passes as a deck with every resistor."""
        described = self.description
        stretches = pass_stretches(self.passes, 0, described.clock)
        deck = build_deck(
            described.network,
            described.circuit,
            self.pairs,
            [(f"p{k}", stretch) for k, stretch in enumerate(stretches, start=1)],
            strings=described.strings,
            solver=described.solver,
        )
        return format_deck(deck)

    def write(self, path: Path) -> None:
        """Write them to an `.npz` file, without pickle."""
        description = np.array(self.description.to_json())
        arrays = passes_to_arrays(self.passes) | resistors_to_arrays(self.pairs)
        np.savez(path, allow_pickle=False, **{_DESCRIPTION: description}, **arrays)


def read_failed(path: Path) -> FailedPasses:
    """Read what `FailedPasses.write` wrote.

    Raises:
        UserError: there is no such file, it is damaged or something else, or what it holds does
            not fit the network in it.
    """
    wanted = f"wanted the {PASSES} of a failed run"
    arrays = read_npz(path, str(path), wanted)
    try:
        description = EngineDescription.from_json(str(arrays.pop(_DESCRIPTION)))
        _require_shapes(arrays, description)
        pairs = resistors_from_arrays(arrays)
        return FailedPasses(description, pairs, passes_from_arrays(arrays))
    except KeyError as error:
        raise UserError(f"{path}: {wanted}, got one without {error}") from None
    except ValueError as error:
        said = " ".join(str(error).split())[:200]
        raise UserError(f"{path}: {wanted}, got: {said}") from None


def _require_shapes(arrays: Mapping[str, NDArray[Any]], description: EngineDescription) -> None:
    """Refuse arrays that are not those of some passes of a network.

    Raises:
        ValueError: an array of another shape, or of something else than numbers.
        KeyError: one is missing.
    """
    network = description.network
    passes, jumps = len(np.atleast_1d(arrays["inputs"])), len(np.atleast_1d(arrays["jump_ages"]))
    controls = len(control_names(network, description.circuit.noise))
    shapes: dict[str, tuple[int, ...]] = {
        "inputs": (max(passes, 1), network.layers[0]),
        "controls": (passes, controls),
        "noise": (passes, network.neurons),
        "jump_counts": (passes, controls),
        "jump_ages": (jumps,),
        "jump_before": (jumps,),
        "clipped": (len(network.layers) - 1,),
    }
    for layer in range(1, len(network.layers)):
        shapes |= dict.fromkeys((f"r_plus{layer}", f"r_minus{layer}"), network.synapse_shape(layer))
    if "before" in arrays:
        shapes["before"] = (network.layers[0],)
    for name, shape in shapes.items():
        array, kinds = arrays[name], "iu" if name in {"jump_counts", "clipped"} else "fiu"
        if array.shape != shape or array.dtype.kind not in kinds:
            raise ValueError(f"{name} of {array.shape} {array.dtype}, wanted {shape} numbers")
    if unknown := sorted(arrays.keys() - shapes.keys()):
        raise ValueError(f"an array {unknown[0]!r} that its network has no place for")
