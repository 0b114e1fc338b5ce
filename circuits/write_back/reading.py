"""What becomes of a resistor after its write: drift with time, noise in each reading."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from circuits.spread import relative
from circuits.write_back.law import Array, scaled
from circuits.write_back.parameters import WriteBackParameters


@dataclass(frozen=True)
class Drift:
    """G = G0 (1 + t/t0)^−ν, with an exponent of its own for each device.

    The power law of resistance drift in amorphous phase-change material (D. Ielmini et al., IEEE
    Trans. Electron Devices 54, 308, 2007); the 1 is added here, so that it begins at the write.

    Attributes:
        exponents: ν, shape of the devices.
        time: t0, s.
    """

    exponents: Array
    time: float

    @classmethod
    def draw(
        cls,
        parameters: WriteBackParameters,
        shape: tuple[int, ...],
        devices: np.random.Generator,
    ) -> Self:
        """The exponents of some devices, log-normal around their mean."""
        deviates = devices.standard_normal(shape)
        return cls(
            parameters.drift * relative(parameters.drift_spread, deviates), parameters.drift_time
        )

    def after(self, resistance: Array, age: Array) -> Array:
        """Resistors some time after their write, Ω.

        Args:
            resistance: at the write, Ω.
            age: since then, s, same shape.
        """
        return scaled(resistance, (1 + age / self.time) ** self.exponents)


def noisy(resistance: Array, spread: float, rng: np.random.Generator) -> Array:
    """Resistors whose conductances have a noise of mean 1, Ω.

    Args:
        resistance: Ω.
        spread: relative standard deviation of the conductance, 1; 0 draws nothing.
        rng: to draw from.
    """
    if not spread:
        return resistance
    return scaled(resistance, 1 / relative(spread, rng.standard_normal(resistance.shape)))
