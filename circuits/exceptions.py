"""Parts that differ from the rest: named, with the figures in which they do.

`n1_2_b` is part b of neuron 2 in layer 1. Op-amps: `a` sums the R+ inputs, `b` inverts and sums the
R− ones; in a hidden neuron `buf` buffers the diode divider, `rect` and `sum` make the precision
rectifier. Resistors and diodes have the names of their elements in the cells, in lower case:
`rf1`, `rf2` and `rf3` are the R_F around the summing amplifiers, `rz` injects the noise, `rs` and
`ro` are divider and trim of a string. The one name that differs is that of R_RECT from the
precision rectifier's summing node to its output: `rfx`, as the element's own name, Rf2, is that of
a resistor around `a` too.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Literal

from pydantic import Field

from circuits.activation import ActivationParameters, DiodeParameters
from circuits.errors import UserError
from circuits.network import Network, format_layers
from circuits.noise import NoiseParameters
from circuits.opamp import LACKING, Level, OpAmpParameters
from circuits.quantities import Decibel, Hertz, Parameters, Ratio, Volt, VoltPerSecond

SUMMING = ("a", "b")
"""The summing amplifiers of every neuron."""

FEEDBACK = ("rf1", "rf2", "rf3")
"""The resistors R_F of every neuron: `a`'s, from its output to `b`, and `b`'s."""

Kind = Literal["op-amp", "resistor", "diode"]
OPAMP: Kind = "op-amp"
RESISTOR: Kind = "resistor"
DIODE: Kind = "diode"

_NAME = re.compile(r"n[1-9]\d*_[1-9]\d*_([a-z]+[1-9]?)")
_LISTED = 12  # neurons in a message, at most
_UNITS = {
    "v_offset": "V", "gbw": "Hz", "open_loop_gain": "dB", "slew_rate": "V/s", "ratio": "",
}  # fmt: skip
_FIGURES: Mapping[Kind, tuple[str, ...]] = {
    OPAMP: tuple(name for name in _UNITS if name != "ratio"),
    RESISTOR: ("ratio",),
    DIODE: ("ratio",),
}


class PartException(Parameters):
    """Figures of one part; what is left out is as in the rest."""

    v_offset: Volt | None = Field(
        default=None, ge=-0.1, le=0.1, description="an op-amp's input offset voltage, V"
    )
    gbw: Hertz | None = Field(
        default=None, ge=1, le=1e12, description="an op-amp's gain-bandwidth product, Hz"
    )
    open_loop_gain: Decibel | None = Field(
        default=None, gt=20, le=200, description="an op-amp's DC open-loop gain, dB"
    )
    slew_rate: VoltPerSecond | None = Field(
        default=None, gt=0, le=1e15, description="an op-amp's slew rate, V/s"
    )
    ratio: Ratio | None = Field(
        default=None,
        ge=1e-6,
        le=1e6,
        description="a resistor's R, or a diode's IS, over that of the rest, 1",
    )

    @property
    def figures(self) -> dict[str, float]:
        """What differs, by the name of the field."""
        return self.model_dump(exclude_none=True)

    def applied(self, opamp: OpAmpParameters) -> OpAmpParameters:
        """The op-amp, from what the rest are."""
        return opamp.model_copy(update=self.figures)

    def described(self) -> str:
        """What differs, in ASCII: `v_offset 0.005 V, gbw 28000 Hz`."""
        return ", ".join(
            f"{name} {value:g} {_UNITS[name]}".rstrip() for name, value in self.figures.items()
        )


def parts_of(
    activation: ActivationParameters, noise: NoiseParameters, *, hidden: bool
) -> dict[str, Kind]:
    """Parts of a neuron that may differ, with their kinds; those of its weights are not among them.

    Args:
        activation: the rectifier of hidden neurons.
        noise: its source.
        hidden: whether it has the rectifier.
    """
    string = ("rs", "ro") if noise.source == "string" else ()
    rectifier = (activation.amplifiers, activation.resistors, activation.diodes) if hidden else ()
    amplifiers, resistors, diodes = rectifier or ((), (), ())
    parts: dict[str, Kind] = dict.fromkeys((*SUMMING, *amplifiers), OPAMP)
    parts |= dict.fromkeys(("rz", *string, *FEEDBACK, *resistors), RESISTOR)
    parts |= dict.fromkeys(diodes, DIODE)
    return parts


def require_possible(
    exceptions: Mapping[str, PartException],
    level: Level,
    activation: ActivationParameters,
    noise: NoiseParameters,
) -> None:
    """Refuse exceptions that no network of the circuit has a place for.

    Args:
        exceptions: by the name of the part.
        level: of the op-amps' model.
        activation: the rectifier of hidden neurons.
        noise: its source.

    Raises:
        ValueError: a name that is none, no figures, or figures that the part or its model lacks.
    """
    parts = parts_of(activation, noise, hidden=True)
    for name, exception in exceptions.items():
        match = _NAME.fullmatch(name)
        if match is None or match[1] not in parts:
            raise ValueError(
                f"{name}: wanted n<layer>_<neuron>_<part>, as in n1_2_b, with a part of "
                f"{', '.join(parts)}"
            )
        kind = parts[match[1]]
        wanted = _FIGURES[kind]
        if not exception.figures:
            raise ValueError(f"{name}: wanted one or more of {', '.join(wanted)}")
        for figure in exception.figures:
            if figure not in wanted:
                raise ValueError(f"{name}: {figure} is not of {kind}s; wanted {', '.join(wanted)}")
            if figure in LACKING[level]:
                raise ValueError(
                    f"{name}: {figure} is not in the {level} model; set circuit.opamp.level to "
                    "macro"
                )
        if kind == DIODE:
            require_saturation_current(activation.rectifier, name)


def require_saturation_current(diode: DiodeParameters, name: str) -> None:
    """Refuse a diode whose IS cannot differ.

    Args:
        diode: of the rectifier.
        name: of what asks for it, for the message.

    Raises:
        ValueError: it is ideal, or a model from a file.
    """
    if not diode.ideal and diode.model is None:
        return
    why = "is ideal and has no IS" if diode.ideal else "is a model from a file, which keeps its IS"
    raise ValueError(
        f"{name}: diode {diode.name} {why}; set circuit.activation.diode to one with parameters, "
        "as in HSMS-2850"
    )


def require_there(
    exceptions: Mapping[str, PartException],
    network: Network,
    activation: ActivationParameters,
    noise: NoiseParameters,
) -> None:
    """Refuse exceptions that a network has no such part for.

    Raises:
        UserError: says which neurons, or which parts of the neuron, there are.
    """
    there = {name for name, _ in named_parts(network, activation, noise)}
    neurons = neuron_names(network)
    for name in exceptions:
        if name in there:
            continue
        neuron = name.rpartition("_")[0]
        lacking = f"circuit.exceptions: no part {name} in {format_layers(network.layers)}"
        if neuron in neurons:  # of the output layer, since a hidden one has all
            parts = ", ".join(parts_of(activation, noise, hidden=False))
            raise UserError(f"{lacking}: {neuron} is an output neuron and has {parts}")
        more = f", … {neurons[-1]}" if len(neurons) > _LISTED else ""
        raise UserError(f"{lacking}; its neurons are {', '.join(neurons[:_LISTED])}{more}")


def neuron_names(network: Network) -> tuple[str, ...]:
    """Names of all neurons, layer by layer, as in `n1_2`."""
    return tuple(
        f"n{layer}_{j}"
        for layer, count in enumerate(network.layers[1:], start=1)
        for j in range(1, count + 1)
    )


def named_parts(
    network: Network, activation: ActivationParameters, noise: NoiseParameters
) -> Iterator[tuple[str, Kind]]:
    """Names and kinds of all parts that may differ, neuron by neuron."""
    last = f"n{len(network.layers) - 1}_"
    for neuron in neuron_names(network):
        parts = parts_of(activation, noise, hidden=not neuron.startswith(last))
        for part, kind in parts.items():
            yield f"{neuron}_{part}", kind


def amplifier_names(network: Network, activation: ActivationParameters) -> tuple[str, ...]:
    """Names of all op-amps, neuron by neuron."""
    parts = named_parts(network, activation, NoiseParameters())
    return tuple(name for name, kind in parts if kind == OPAMP)
