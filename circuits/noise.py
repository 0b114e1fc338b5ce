"""A node's noise: where it comes from and how it is injected.

    V_b ──R_s──┬── z ──R_z──▷ summing node (virtual ground)
               │
          string of junctions
               │
              gnd                    −V_ref ──R_o──▷ summing node

`R_o` takes the string's stationary mean away, so the noise at the pre-activation is
`ν = R_f (V_z/R_z − V_ref/R_o)` with zero mean. A source that is a voltage stands at z in the
string's place and drives it with `ν R_z/R_f`; there is nothing to trim then.
"""

from typing import Literal, Self

from pydantic import Field, model_validator

from circuits.quantities import Count, Ohm, Parameters, Volt
from circuits.sampled import (
    BernoulliParameters,
    BinomialParameters,
    GaussianParameters,
    HmmParameters,
    MeasuredParameters,
)

SourceKind = Literal["string", "measured", "hmm", "bernoulli", "binomial", "gaussian"]
Arrangement = Literal["series", "parallel"]
Coupling = Literal["open-loop", "two-way"]


class NoiseParameters(Parameters):
    """The source at every node and the resistors around it."""

    source: SourceKind = Field(
        default="string",
        description=(
            "string: junctions of circuit.smtj; measured: a recording; hmm, bernoulli, binomial, "
            "gaussian: drawn voltages"
        ),
    )
    n_mtj: Count = Field(default=1, ge=1, le=64, description="junctions in every string, 1")
    arrangement: Arrangement = Field(default="series", description="of the junctions in a string")
    coupling: Coupling = Field(
        default="open-loop",
        description=(
            "open-loop: each junction keeps its mean current's dwell times; two-way: they follow "
            "its simulated current"
        ),
    )
    v_bias: Volt = Field(
        default=3.3, ge=1e-6, le=1e6, description="bias of the divider, V (paper: 3.3 V)"
    )
    r_series: Ohm = Field(
        default=100e3, ge=1e-3, description="divider resistor R_s, Ω (paper: 100 kΩ)"
    )
    r_inject: Ohm = Field(default=1e6, ge=1e-3, description="injection resistor R_z, Ω")
    v_trim: Volt = Field(
        default=2.5, ge=1e-6, le=1e6, description="magnitude of the trim reference V_ref, V"
    )
    measured: MeasuredParameters = Field(
        default=MeasuredParameters(), description="source measured"
    )
    hmm: HmmParameters = Field(default=HmmParameters(), description="source hmm")
    bernoulli: BernoulliParameters = Field(
        default=BernoulliParameters(), description="source bernoulli"
    )
    binomial: BinomialParameters = Field(
        default=BinomialParameters(), description="source binomial"
    )
    gaussian: GaussianParameters = Field(
        default=GaussianParameters(), description="source gaussian"
    )

    @model_validator(mode="after")
    def _check_used(self) -> Self:
        if self.measured.file is not None and self.source != "measured":
            raise ValueError(
                f"a recording is named, but the source is {self.source}; set --source measured"
            )
        for name in ("column", "sample_time"):
            value = getattr(self.measured, name)
            if value is not None and self.source != "measured":
                raise ValueError(
                    f"measured.{name}: the source is {self.source}, so {value} would do nothing; "
                    "set --source measured"
                )
        if self.source == "string":
            return self
        for name, default in (
            ("n_mtj", 1),
            ("arrangement", "series"),
            ("coupling", "open-loop"),
        ):
            value = getattr(self, name)
            if value != default:
                raise ValueError(
                    f"{name}: source {self.source} has no junctions, so {value} would do nothing"
                )
        return self

    @property
    def two_way(self) -> bool:
        """Whether flips are found in the simulator rather than drawn."""
        return self.source == "string" and self.coupling == "two-way"
