"""Weights to start from: what another run learned, read from its `weights.npz`."""

import re
from itertools import count, pairwise, takewhile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from circuits import Network
from circuits.network import format_layers
from learning import Model
from sim.errors import UserError
from sim.npz import read_npz

Array = NDArray[np.float64]

LEARNERS = ("in_loop", "programmed", "ideal", "start")
"""Whose weights a run keeps; the first that is there is taken where none is named. `programmed` is
what a cell's resistors make of those that `python -m learning.train --cell` learned."""


def read_start(where: str, network: Network) -> Model:
    """Read the model that a run left behind.

    Args:
        where: `FILE` or `FILE:LEARNER`, the learner one of `LEARNERS`.
        network: that is to start from it.

    Raises:
        UserError: no such file or learner, a damaged file, or a model of another network.
    """
    file, learner = where, None
    found = re.fullmatch(f"(.+):({'|'.join(LEARNERS)})", where)
    if found:
        file, learner = found.groups()
    arrays = read_npz(Path(file), f"--start: {file}", "wanted weights.npz of a run")
    there = [name for name in LEARNERS if f"{name}_W1" in arrays]
    if learner is None:
        learner = next(iter(there), LEARNERS[0])
    if learner not in there:
        known = f"there are {', '.join(there)}" if there else "there is none"
        raise UserError(
            f"--start: {file}: holds no weights of {learner}, {known}; wanted weights.npz of a run"
        )
    names = takewhile(arrays.__contains__, (f"{learner}_W{k}" for k in count(1)))
    layers = _layers([arrays[name] for name in names])
    if layers != network.layers:
        got = format_layers(layers) if layers else "no network"
        raise UserError(
            f"--start: {file}: the weights of {learner} are of {got}, wanted "
            f"{format_layers(network.layers)}"
            + (f"; give --layers {got} or another file" if layers else "")
        )
    shapes = {
        "W": [(n, fan) for fan, n in pairwise(layers)],
        "b": [(n,) for n in layers[1:]],
        "decor": [(fan, fan) for fan in layers[:-1]],
    }
    tensors: dict[str, tuple[Array, ...]] = {}
    for kind, wanted in shapes.items():
        names = [f"{learner}_{kind}{k}" for k in range(1, len(layers))]
        for name, shape in zip(names, wanted, strict=True):
            _require_numbers(file, name, arrays.get(name), shape)
        tensors[kind] = tuple(np.asarray(arrays[name], dtype=np.float64) for name in names)
    model = Model(tensors["W"], tensors["b"], tensors["decor"])
    if not network.biases and any(np.any(b) for b in model.biases):
        raise UserError(
            f"--start: {file}: the weights of {learner} come with biases, and this network has "
            "none; give --biases"
        )
    return model


def _layers(weights: list[Array]) -> tuple[int, ...]:
    """N_0..N_L that weights are of; none where they do not follow on one another."""
    if any(w.ndim != 2 for w in weights):
        return ()
    layers = (weights[0].shape[1], *(w.shape[0] for w in weights))
    return layers if all(w.shape[1] == n for w, n in zip(weights, layers, strict=False)) else ()


def _require_numbers(file: str, name: str, array: Array | None, shape: tuple[int, ...]) -> None:
    sound = (
        array is not None
        and array.shape == shape
        and array.dtype.kind in "fiu"
        and bool(np.isfinite(array).all())
    )
    if not sound:
        shown = " × ".join(map(str, shape))
        raise UserError(
            f"--start: {file}: {name}: wanted {shown} finite numbers; take another file"
        )
