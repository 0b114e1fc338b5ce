"""Weights and resistors before and after training."""

import math
from collections.abc import Sequence

import numpy as np

from sim.report.blocks import Block, Chart, Grid, Part, Prose, Section
from sim.report.charts import weights as charts
from sim.report.model.resistors import Held, Layer, layers_of, limits_of
from sim.report.recorded import MISSING, recorded
from sim.report.text import number, quantity, share
from sim.results import Run

_CELLS = 40_000
"""Weights of a heat map, at most; a quarter of a megabyte."""


def section(runs: Sequence[Run]) -> Section:
    """Heat maps of every layer, and a histogram of resistors where there are some."""
    circuit, biases = any(run.has_circuit for run in runs), any(_biased(run) for run in runs)
    told = "A weight is a pair of resistors: w = R_f (1/R+ − 1/R−); hover tells them. "
    if not circuit:
        told = "Weights as a circuit would hold them, W·decor. "
    told += "Blue is negative, orange positive; a row is a neuron, a column what feeds it"
    told += ", biases the last column." if biases else "."
    return Section(
        "weights",
        "Weights and resistors",
        "Weights",
        shared=(Prose(told),),
        parts=tuple(Part(k, _blocks(run)) for k, run in enumerate(runs)),
        wide=len(runs) == 1,
    )


def _biased(run: Run) -> bool:
    return run.config.network.biases


def _blocks(run: Run) -> list[Block]:
    if run.has_circuit and not recorded(run):
        return [MISSING]
    layers = layers_of(run)
    held = (held for layer in layers for held in (layer.before, layer.after))
    if not all(np.isfinite(one.weights).all() for one in held):
        return [Prose("Weights beyond all numbers: training diverged.", "note")]
    blocks: list[Block] = [_layer(layer) for layer in layers]
    if run.has_circuit:
        blocks.append(_histogram(run, layers))
    return blocks


def _layer(layer: Layer) -> Block:
    with np.errstate(over="ignore"):  # of a training that diverged
        change = layer.after.weights - layer.before.weights
        rms = number(float(np.sqrt(np.mean(change**2))))
    if layer.before.weights.size > _CELLS:
        return Prose(
            f"Layer {layer.number}: {layer.before.weights.size:,} weights are too many for a "
            f"picture; they changed by {rms} rms. weights.npz has them.",
            "note",
        )
    return Grid(
        tuple(
            Chart(
                charts.heat(layer, held, f"layer {layer.number}, {when}"), _gist(layer, held, when)
            )
            for when, held in (("before", layer.before), ("after", layer.after))
        )
    )


def _gist(layer: Layer, held: Held, when: str) -> str:
    w = held.weights
    return (
        f"Heat map of the {w.size} weights of layer {layer.number} {when} training: from "
        f"{number(float(w.min()))} to {number(float(w.max()))}."
    )


def _histogram(run: Run, layers: Sequence[Layer]) -> Chart:
    synapse = run.config.circuit.synapse
    limits = limits_of(run, tuple(layers))
    top = "open" if math.isinf(synapse.r_max) else quantity(synapse.r_max, "Ω")
    zeros, are = (f"{limits.both_max:,}", "are") if limits.both_max else ("None", "is")
    gist = (
        f"Of {limits.count:,} resistors, {share(limits.at_max / limits.count)} are at R_max "
        f"({top}) after training, at least half by design, as one of "
        f"each pair is; {share(limits.at_min / limits.count)} are at R_min "
        f"({quantity(synapse.r_min, 'Ω')}). {zeros} of {limits.pairs:,} weights {are} zero."
    )
    figure = charts.histogram(layers, synapse.r_min, synapse.r_max)
    return Chart(figure, f"Histogram of resistances. {gist}", gist)
