"""One unit for all figures of an attribution."""

from dataclasses import dataclass

from sim.attribute.attribution import Attribution

_MICRO = 0.1e-3
"""V; a deviation below it, over all nodes, is told in µV."""

_SMALLEST = 5e-4  # of the unit; below it a figure is shown as 0


@dataclass(frozen=True)
class Unit:
    """Of voltages.

    Attributes:
        symbol: mV or µV.
        volts: how many volts it is.
    """

    symbol: str
    volts: float

    @property
    def finest(self) -> str:
        """The smallest figure that is shown."""
        return f"0.001 {self.symbol}"

    def shows(self, volts: float) -> bool:
        """Whether a figure is large enough not to be shown as 0."""
        return abs(volts / self.volts) >= _SMALLEST

    def number(self, volts: float) -> str:
        """Three digits, and no finer than a thousandth of the unit."""
        value = volts / self.volts
        if not self.shows(volts):
            return "0"
        if abs(value) < 1:
            return f"{value:.3f}"
        return f"{value:.{max(0, 3 - len(str(int(abs(value)))))}f}"

    def quantity(self, volts: float) -> str:
        """A number with its unit, as in `5.25 mV`."""
        return f"{self.number(volts)} {self.symbol}"

    def exceeds(self, share: float, total: float) -> bool:
        """Whether a share is larger than the whole, as far as the digits show."""
        return float(self.number(share)) > float(self.number(total))

    def part(self, share: float, total: float) -> str:
        """A share of the whole, as in `5.25 of 7.00 mV`."""
        if self.exceeds(share, total):
            return f"more than the whole {self.quantity(total)}"
        return f"{self.number(share)} of {self.quantity(total)}"


def unit_of(found: Attribution) -> Unit:
    """mV, unless the deviation over all nodes is too small for it."""
    return Unit("µV", 1e-6) if found.total[-1] < _MICRO else Unit("mV", 1e-3)
