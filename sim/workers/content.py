"""What goes over the wire: passes, resistors and readouts as named arrays."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from circuits import ResistorPairs
from sim.engine import Readout
from sim.passes import NO_JUMPS, Jumps, Passes

Array = NDArray[np.float64]
Arrays = Mapping[str, NDArray[Any]]


def passes_to_arrays(passes: Passes) -> dict[str, NDArray[Any]]:
    """Passes as arrays; their jumps one after the other, with how many there are of each."""
    jumps = [each for controls in passes.jumps for each in controls]
    ages = [each.ages for each in jumps if len(each.ages)]
    befores = [each.before for each in jumps if len(each.ages)]
    counts = np.array([len(each.ages) for each in jumps], np.int64)
    arrays: dict[str, NDArray[Any]] = {
        "inputs": passes.inputs,
        "controls": passes.controls,
        "noise": passes.noise,
        "jump_counts": counts.reshape(passes.controls.shape),
        "jump_ages": np.concatenate(ages) if ages else NO_JUMPS.ages,
        "jump_before": np.concatenate(befores) if befores else NO_JUMPS.before,
    }
    if passes.before is not None:
        arrays["before"] = passes.before
    return arrays


def passes_from_arrays(arrays: Arrays) -> Passes:
    """Passes as `passes_to_arrays` had them.

    Raises:
        ValueError: arrays that do not fit each other.
        KeyError: one is missing.
    """
    counts, ages, before = arrays["jump_counts"], arrays["jump_ages"], arrays["jump_before"]
    controls = arrays["controls"]
    if (
        counts.shape != controls.shape
        or np.any(counts < 0)
        or not len(ages) == len(before) == counts.sum()
    ):
        raise ValueError("jumps that do not fit the passes")
    ends: list[list[int]] = np.cumsum(counts).reshape(counts.shape).tolist()
    jumps = tuple(
        tuple(
            Jumps(ages[end - n : end], before[end - n : end]) if n else NO_JUMPS
            for end, n in zip(row_ends, row_counts, strict=True)
        )
        for row_ends, row_counts in zip(ends, counts.tolist(), strict=True)
    )
    return Passes(arrays["inputs"], controls, jumps, arrays["noise"], arrays.get("before"))


def resistors_to_arrays(pairs: Sequence[ResistorPairs]) -> dict[str, NDArray[Any]]:
    """Resistors of each layer as arrays, Ω, and how many weights each clipped."""
    arrays: dict[str, NDArray[Any]] = {"clipped": np.array([p.clipped for p in pairs], np.int64)}
    for layer, pair in enumerate(pairs, start=1):
        arrays |= {f"r_plus{layer}": pair.plus, f"r_minus{layer}": pair.minus}
    return arrays


def resistors_from_arrays(arrays: Arrays) -> tuple[ResistorPairs, ...]:
    """Resistors as `resistors_to_arrays` had them.

    Raises:
        ValueError: arrays that do not fit each other.
        KeyError: one is missing.
    """
    plus, minus = _counted(arrays, "r_plus"), _counted(arrays, "r_minus")
    clipped: list[int] = arrays["clipped"].tolist()
    if not len(plus) == len(minus) == len(clipped):
        raise ValueError("resistors of another number of layers than clipped weights")
    return tuple(ResistorPairs(*pair) for pair in zip(plus, minus, clipped, strict=True))


def readout_to_arrays(readout: Readout) -> dict[str, NDArray[Any]]:
    """A readout as arrays."""
    return {
        **{f"pre{layer}": a for layer, a in enumerate(readout.pre, start=1)},
        **{f"output{layer}": x for layer, x in enumerate(readout.outputs, start=1)},
        "energy": readout.energy,
        "doubts": readout.doubts,
    }


def readout_from_arrays(arrays: Arrays, passes: int, layers: Sequence[int]) -> Readout:
    """A readout as `readout_to_arrays` had it.

    Args:
        arrays: of it.
        passes: how many there are, P.
        layers: units per layer, inputs first.

    Raises:
        ValueError: it is of other passes, or of another network.
        KeyError: an array is missing.
    """
    pre, outputs = _counted(arrays, "pre"), _counted(arrays, "output")
    shapes = [(passes, count) for count in layers[1:]]
    if not [a.shape for a in pre] == [x.shape for x in outputs] == shapes:
        raise ValueError(f"voltages of other shapes than {shapes}")
    energy, doubts = arrays["energy"], arrays["doubts"]
    if not energy.shape == doubts.shape == (passes,):
        raise ValueError(f"energy or doubts of another shape than {(passes,)}")
    return Readout(pre, outputs, energy, doubts)


def joined(parts: Sequence[Readout]) -> Readout:
    """Readouts one after the other."""
    if len(parts) == 1:
        return parts[0]
    return Readout(
        tuple(np.concatenate(layer) for layer in zip(*(part.pre for part in parts), strict=True)),
        tuple(
            np.concatenate(layer) for layer in zip(*(part.outputs for part in parts), strict=True)
        ),
        np.concatenate([part.energy for part in parts]),
        np.concatenate([part.doubts for part in parts]),
    )


def _counted(arrays: Arrays, name: str) -> tuple[Array, ...]:
    found = []
    while (array := arrays.get(f"{name}{len(found) + 1}")) is not None:
        found.append(array)
    return tuple(found)
