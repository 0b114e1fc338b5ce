"""Op-amps that differ from the rest: named, with the figures in which they do.

`n1_2_b` is an amplifier of neuron 2 in layer 1. `a` sums the R+ inputs, `b` inverts and sums the
R− ones; in a hidden neuron `buf` buffers the diode divider, `rect` and `sum` make the precision
rectifier.
"""

import re
from collections.abc import Mapping, Sequence

from pydantic import Field

from circuits.errors import UserError
from circuits.network import Network, format_layers
from circuits.opamp import LACKING, Level, OpAmpParameters
from circuits.quantities import Decibel, Hertz, Parameters, Volt, VoltPerSecond

SUMMING = ("a", "b")
"""The summing amplifiers of every neuron."""

_NAME = re.compile(r"n[1-9]\d*_[1-9]\d*_([a-z]+)")
_LISTED = 12  # amplifiers in a message, at most
_UNITS = {"v_offset": "V", "gbw": "Hz", "open_loop_gain": "dB", "slew_rate": "V/s"}


class OpAmpException(Parameters):
    """Figures of one op-amp; what is left out is as in the rest."""

    v_offset: Volt | None = Field(
        default=None, ge=-0.1, le=0.1, description="its input offset voltage, V"
    )
    gbw: Hertz | None = Field(
        default=None, ge=1, le=1e12, description="its gain-bandwidth product, Hz"
    )
    open_loop_gain: Decibel | None = Field(
        default=None, gt=20, le=200, description="its DC open-loop gain, dB"
    )
    slew_rate: VoltPerSecond | None = Field(
        default=None, gt=0, le=1e15, description="its slew rate, V/s"
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
        return ", ".join(f"{name} {value:g} {_UNITS[name]}" for name, value in self.figures.items())


def require_possible(
    exceptions: Mapping[str, OpAmpException], level: Level, rectifier: Sequence[str]
) -> None:
    """Refuse exceptions that no network of the circuit has a place for.

    Args:
        exceptions: by the name of the op-amp.
        level: of the op-amps' model.
        rectifier: amplifiers in the rectifier of a hidden neuron.

    Raises:
        ValueError: a name that is none, no figures, or figures that the model lacks.
    """
    amplifiers = (*SUMMING, *rectifier)
    for name, exception in exceptions.items():
        match = _NAME.fullmatch(name)
        if match is None or match[1] not in amplifiers:
            raise ValueError(
                f"{name}: wanted n<layer>_<neuron>_<amplifier>, as in n1_2_b, with an amplifier "
                f"of {', '.join(amplifiers)}"
            )
        if not exception.figures:
            raise ValueError(f"{name}: wanted one or more of {', '.join(_UNITS)}")
        lacking = [figure for figure in exception.figures if figure in LACKING[level]]
        if lacking:
            raise ValueError(
                f"{name}: {lacking[0]} is not in the {level} model; set circuit.opamp.level to "
                "macro"
            )


def require_there(
    exceptions: Mapping[str, OpAmpException], network: Network, rectifier: Sequence[str]
) -> None:
    """Refuse exceptions that a network has no such op-amp for.

    Raises:
        UserError: says which op-amps there are.
    """
    there = amplifier_names(network, rectifier)
    for name in exceptions:
        if name not in there:
            more = f", … {there[-1]}" if len(there) > _LISTED else ""
            raise UserError(
                f"circuit.exceptions: no op-amp {name} in {format_layers(network.layers)}; there "
                f"are {', '.join(there[:_LISTED])}{more}"
            )


def amplifier_names(network: Network, rectifier: Sequence[str]) -> tuple[str, ...]:
    """Names of all op-amps, neuron by neuron.

    Args:
        network: gives the neurons.
        rectifier: amplifiers in the rectifier of a hidden neuron.
    """
    last = len(network.layers) - 1
    return tuple(
        f"n{layer}_{j}_{amplifier}"
        for layer in range(1, last + 1)
        for j in range(1, network.layers[layer] + 1)
        for amplifier in (*SUMMING, *(rectifier if layer < last else ()))
    )
