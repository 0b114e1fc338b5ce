"""The suite's networks, as data: which circuit, which passes, which fidelity."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from circuits import (
    ActivationParameters,
    CircuitParameters,
    Network,
    NoiseParameters,
    NoiseString,
    OpAmpParameters,
    SmtjParameters,
)
from circuits.activation import DIODES
from circuits.exceptions import PartException
from circuits.network import format_layers
from sim.clock import Clock, Fidelity
from sim.passes import Passes
from sim.schedule import open_schedule

_JUNCTION = SmtjParameters(barrier_p=0.245, barrier_ap=0.25)  # 14 µs a state: apertures hold flips
_UNEQUAL = _JUNCTION.model_copy(update={"spread_resistance": 0.1, "spread_tmr": 0.05})
_T_PASS, _T_APERTURE = 35e-6, 20e-6
_SEED = 7


@dataclass(frozen=True)
class NetworkCase:
    """A network and the pairs of noisy passes that it is given.

    Attributes:
        name: what the case stands for.
        network: layers and biases.
        circuit: parameters of every part.
        fidelity: of the passes.
        samples: presented, each twice; their passes hold flips of every age.
    """

    name: str
    network: Network
    circuit: CircuitParameters
    fidelity: Fidelity = "aperture"
    samples: int = 6

    @property
    def clock(self) -> Clock:
        """Lengths of passes."""
        return Clock(_T_PASS, _T_APERTURE, self.fidelity)

    def weights(self) -> list[NDArray[np.float64]]:
        """Random weights, each matrix its own, so that a transpose or a swap shows."""
        rng = np.random.default_rng(_SEED)
        shapes = [self.network.synapse_shape(k) for k in range(1, len(self.network.layers))]
        return [rng.normal(0, 1 / np.sqrt(shape[1]), shape) for shape in shapes]

    def strings(self) -> tuple[NoiseString, ...]:
        """Noise string of each neuron, its devices drawn."""
        return self.circuit.noise_strings(self.network.neurons, np.random.default_rng(_SEED))

    def passes(self) -> Passes:
        """The same for every engine."""
        noise, inputs = np.random.default_rng(_SEED).spawn(2)
        presented = inputs.uniform(-1, 1, (self.samples, self.network.layers[0]))
        schedule = open_schedule(
            self.network, self.circuit, self.clock, noise, strings=self.strings()
        )
        return schedule.draw(presented)


def _circuit(
    opamp: OpAmpParameters | None = None,
    activation: ActivationParameters | None = None,
    noise: NoiseParameters | None = None,
) -> CircuitParameters:
    return CircuitParameters(
        opamp=opamp or OpAmpParameters(),
        activation=activation or ActivationParameters(),
        noise=noise or NoiseParameters(),
        smtj=_JUNCTION,
    )


_SHAPES = (
    ((1, 1), False, 6),
    ((2, 1), False, 6),
    ((2, 2, 1), False, 6),
    ((2, 2, 2, 1), False, 4),
    ((3, 4, 2), True, 4),
    ((8, 8, 4), False, 2),
)
_DIVIDER, _PRECISION = ActivationParameters(), ActivationParameters(kind="precision")
_STRINGS = {
    "3 junctions in series": NoiseParameters(n_mtj=3),
    "2 junctions in parallel": NoiseParameters(n_mtj=2, arrangement="parallel"),
}
_SMALL = Network((2, 2, 1))

MOVING = "precision, ideal diodes"
"""The network whose samples depend most on the time steps."""

NETWORKS: tuple[NetworkCase, ...] = (
    *(
        NetworkCase(
            format_layers(layers).replace(",", "-") + (" with biases" if biases else ""),
            Network(layers, biases),
            _circuit(),
            samples=samples,
        )
        for layers, biases, samples in _SHAPES
    ),
    *(
        NetworkCase(
            f"{activation.kind}, {level} op-amps",
            _SMALL,
            _circuit(OpAmpParameters(level=level), activation),
        )
        for activation in (_DIVIDER, _PRECISION)
        for level in ("ideal", "single-pole", "macro")
        if (activation.kind, level) != ("diode-divider", "macro")  # 2-2-1 above
    ),
    *(
        NetworkCase(
            f"{activation.kind}, ideal diodes",
            _SMALL,
            _circuit(activation=activation.model_copy(update={"diode": DIODES["ideal"]})),
        )
        for activation in (_DIVIDER, _PRECISION)
    ),
    *(NetworkCase(name, _SMALL, _circuit(noise=noise)) for name, noise in _STRINGS.items()),
    NetworkCase(
        "unequal junctions",
        _SMALL,
        _circuit(noise=NoiseParameters(n_mtj=2)).model_copy(update={"smtj": _UNEQUAL}),
    ),
    NetworkCase(
        "op-amps unlike the rest",
        _SMALL,
        _circuit().model_copy(
            update={
                "exceptions": {
                    "n1_1_a": PartException(v_offset=2e-3, slew_rate=1e6),
                    "n1_2_buf": PartException(gbw=1e6),
                }
            }
        ),
    ),
    # Drawn voltages hold through a pass, so only whole passes show a jump: the input's.
    NetworkCase(
        "gaussian source", _SMALL, _circuit(noise=NoiseParameters(source="gaussian")), "full"
    ),
    NetworkCase(
        "ideal parts, operating points",
        _SMALL,
        _circuit(OpAmpParameters(level="ideal"), ActivationParameters(diode=DIODES["ideal"])),
        "op",
    ),
    NetworkCase("operating points", _SMALL, _circuit(), "op"),
    NetworkCase("precision, operating points", _SMALL, _circuit(activation=_PRECISION), "op"),
    NetworkCase("whole passes", _SMALL, _circuit(), "full"),
    NetworkCase("precision, whole passes", _SMALL, _circuit(activation=_PRECISION), "full", 3),
)
