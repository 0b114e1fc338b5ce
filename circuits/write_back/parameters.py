"""What weights are written to: the device, its law's figures, and what happens after a write."""

import math
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from circuits.quantities import Count, Ohm, Parameters, Ratio, Second
from circuits.synapse import SynapseParameters
from circuits.write_back.preferred import values_within

DeviceKind = Literal["ideal", "e-series", "levels", "digipot", "domain-wall", "rram-weak-reset"]
Series = Literal["E24", "E96"]
Spacing = Literal["linear", "log"]

_STATES = (2, 3, 5)  # of arXiv 2111.07284


class ESeriesParameters(Parameters):
    """Fixed resistors of preferred values."""

    series: Series = Field(default="E96", description="preferred values (IEC 60063)")


class LevelsParameters(Parameters):
    """A device of a few conductances between 1/r_max and 1/r_min."""

    count: Count = Field(default=16, ge=2, le=65536, description="levels of each device, 1")
    spacing: Spacing = Field(default="linear", description="of the levels, in conductance")


class DigipotParameters(Parameters):
    """A digital potentiometer as a rheostat, in series with a fixed resistor."""

    taps: Count = Field(
        default=256, ge=2, le=65536, description="positions of the wiper, 1 (8 bit)"
    )
    r_ab: Ohm = Field(
        default=100e3,
        ge=1,
        le=1e12,
        description="end-to-end resistance, Ω (MCP4251-104, data sheet DS22060)",
    )
    r_wiper: Ohm = Field(
        default=75.0, ge=0, le=1e6, description="wiper resistance, Ω (DS22060, typical at 5.5 V)"
    )
    r_fixed: Ohm | None = Field(
        default=None, ge=0, le=1e12, description="resistor in series, Ω; None: as synapse.r_min"
    )
    tolerance: Ratio = Field(
        default=0.2,
        ge=0,
        le=0.9,
        description=(
            "largest relative deviation of a package's r_ab, drawn uniform, 1 (DS22060: 20 %)"
        ),
    )
    calibrated: bool = Field(
        default=False, description="whether the resistors were measured before the taps are chosen"
    )

    @model_validator(mode="after")
    def _check_least(self) -> Self:
        if self.r_fixed is not None and self.r_fixed + self.r_wiper < 1e-3:
            raise ValueError(
                f"r_fixed and r_wiper make {self.r_fixed + self.r_wiper:g} Ω at tap 0, "
                "wanted at least 0.001 Ω"
            )
        return self


class DomainWallParameters(Parameters):
    """A magnetic wall on a track with few places where it stops (arXiv 2111.07284)."""

    states: Count = Field(default=5, description="places of the wall, 1 (the abstract: 2, 3 or 5)")
    position_spread: Ratio = Field(
        default=0.1, ge=0, le=1, description="std of where it stops, in lengths of the track, 1"
    )
    margin: Ratio = Field(
        default=0.0,
        ge=0,
        le=4,
        description="noise tolerance past half a state before it is written again, in states, 1",
    )

    @field_validator("states")
    @classmethod
    def _check_states(cls, value: int) -> int:
        if value not in _STATES:
            raise ValueError(f"wanted 2, 3 or 5 states, got {value}")
        return value


class RramParameters(Parameters):
    """Weak RESET of an oxide RRAM: noisy steps down, SET to the top (arXiv 2107.06064)."""

    rate: Ratio = Field(default=0.05, gt=0, le=1, description="mean fall of ln G in a pulse, 1")
    cycle_spread: Ratio = Field(
        default=0.3, ge=0, le=1, description="of that fall from pulse to pulse, relative std, 1"
    )
    device_spread: Ratio = Field(
        default=0.3, ge=0, le=2, description="of that fall from device to device, relative std, 1"
    )
    set_spread: Ratio = Field(
        default=0.1, ge=0, le=1, description="of what a SET makes of 1/r_min, relative std, 1"
    )
    r_refresh: Ohm = Field(
        default=200e3,
        gt=0,
        le=1e15,
        description="the larger resistor of a pair that was SET and brought down again, Ω",
    )
    max_pulses: Count = Field(
        default=100, ge=1, le=100_000, description="pulses a device gets in one write, at most, 1"
    )
    verify: bool = Field(
        default=False, description="whether each pulse is followed by a look at the device"
    )


class WriteBackParameters(Parameters):
    """The device behind every weight, and how it keeps what was written."""

    device: DeviceKind = Field(default="ideal", description="what weights are written to")
    accumulator: bool = Field(
        default=True,
        description="whether the learner keeps weights of its own besides what devices hold",
    )
    read_noise: Ratio = Field(
        default=0.0,
        ge=0,
        le=1,
        description="of each conductance, drawn anew at each mini-batch, relative std, 1",
    )
    drift: Ratio = Field(
        default=0.0, ge=0, le=1, description="mean ν in G = G0 (1 + t/drift_time)^−ν, 1"
    )
    drift_spread: Ratio = Field(
        default=0.0, ge=0, le=2, description="of ν from device to device, relative std, 1"
    )
    drift_time: Second = Field(
        default=1.0, gt=0, le=1e12, description="time after a write at which drift sets in, s"
    )
    retention: Second = Field(
        default=0.0, ge=0, le=1e12, description="from the last write to the final score, s"
    )
    e_series: ESeriesParameters = Field(default=ESeriesParameters(), description="device e-series")
    levels: LevelsParameters = Field(default=LevelsParameters(), description="device levels")
    digipot: DigipotParameters = Field(default=DigipotParameters(), description="device digipot")
    domain_wall: DomainWallParameters = Field(
        default=DomainWallParameters(), description="device domain-wall"
    )
    rram: RramParameters = Field(default=RramParameters(), description="device rram-weak-reset")

    def require_fit(self, synapse: SynapseParameters) -> None:
        """Refuse a device that the range of weight resistors leaves no place for.

        Raises:
            ValueError: what does not fit, and what to do.
        """
        range_ = f"{synapse.r_min:g} to {synapse.r_max:g} Ω"
        logarithmic = self.device == "levels" and self.levels.spacing == "log"
        if logarithmic and math.isinf(synapse.r_max):
            raise ValueError(
                "write_back.levels.spacing log: wanted a finite synapse.r_max to begin at, got inf"
            )
        if self.device == "e-series" and not len(values_within(self.e_series.series, synapse)):
            raise ValueError(
                f"write_back.e_series: {self.e_series.series} has no value within synapse.r_min "
                f"and r_max, {range_}; widen them"
            )
        refresh = self.rram.r_refresh
        if self.device == "rram-weak-reset" and not synapse.r_min < refresh < synapse.r_max:
            raise ValueError(
                f"write_back.rram.r_refresh: wanted between synapse.r_min and r_max, {range_}, "
                f"got {refresh:g} Ω"
            )
