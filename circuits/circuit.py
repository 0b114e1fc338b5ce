"""All parameters of the circuit in one record, and what follows from them together."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Self

import numpy as np
from pydantic import Field, ValidationInfo, field_validator, model_validator

from circuits.activation import ActivationParameters
from circuits.exceptions import PartException, require_possible
from circuits.mismatch import MismatchParameters
from circuits.noise import NoiseParameters
from circuits.opamp import OpAmpParameters
from circuits.quantities import Celsius, Parameters, Volt
from circuits.smtj import SmtjParameters
from circuits.string import NoiseString
from circuits.synapse import SynapseParameters
from circuits.write_back.parameters import WriteBackParameters


class CircuitParameters(Parameters):
    """The ANP-perceptron: supplies, parts and devices, the same for every neuron but exceptions."""

    v_dd: Volt = Field(default=2.5, gt=0, le=1e6, description="positive supply, V")
    v_ss: Volt = Field(default=-2.5, ge=-1e6, lt=0, description="negative supply, V")
    v_one: Volt = Field(
        default=1.0, ge=1e-6, le=1e6, description="input that stands for 1 in a bias, V"
    )
    temperature: Celsius = Field(default=27.0, ge=-55, le=150, description="temperature, °C")
    opamp: OpAmpParameters = Field(default=OpAmpParameters(), description="every op-amp")
    activation: ActivationParameters = Field(
        default=ActivationParameters(), description="rectifier of hidden neurons"
    )
    synapse: SynapseParameters = Field(default=SynapseParameters(), description="weight resistors")
    noise: NoiseParameters = Field(
        default=NoiseParameters(), description="noise string of each node"
    )
    smtj: SmtjParameters = Field(default=SmtjParameters(), description="every junction")
    exceptions: Mapping[str, PartException] = Field(
        default_factory=dict,
        description="parts that differ from the rest, by name as in n1_2_b",
    )
    mismatch: MismatchParameters = Field(
        default=MismatchParameters(), description="how far the parts of a chip differ"
    )
    write_back: WriteBackParameters = Field(
        default=WriteBackParameters(), description="what weights are written to"
    )

    @field_validator("exceptions")
    @classmethod
    def _check_exceptions(cls, value: Any, info: ValidationInfo) -> Any:
        # A section that is wrong itself is complained of already, and missing here.
        known = info.data
        if {"opamp", "activation", "noise"} <= known.keys():
            require_possible(value, known["opamp"].level, known["activation"], known["noise"])
        return value

    @field_validator("mismatch")
    @classmethod
    def _check_mismatch(cls, value: Any, info: ValidationInfo) -> Any:
        if {"opamp", "activation"} <= info.data.keys():
            value.require_possible(info.data["opamp"].level, info.data["activation"].rectifier)
        return value

    @model_validator(mode="after")
    def _check_swing(self) -> Self:
        if 2 * self.opamp.headroom >= self.v_dd - self.v_ss:
            raise ValueError(
                f"opamp.headroom of {self.opamp.headroom:g} V leaves no swing between "
                f"{self.v_ss:g} and {self.v_dd:g} V"
            )
        return self

    @model_validator(mode="after")
    def _check_write_back(self) -> Self:
        self.write_back.require_fit(self.synapse)
        return self

    @model_validator(mode="after")
    def _check_diode(self) -> Self:
        diode = self.activation.rectifier
        potential = diode.junction_potential(self.temperature)
        if potential <= 0 and not diode.ideal:
            raise ValueError(
                f"activation.diode {diode.name}: at {self.temperature:g} °C SPICE's law makes its "
                f"junction potential {1e3 * potential:.3g} mV, from which no capacitance follows; "
                "wanted more than 0, so take a lower temperature, another diode or a larger v_j"
            )
        return self

    def noise_string(self, devices: tuple[SmtjParameters, ...] | None = None) -> NoiseString:
        """Closed-form voltages of a node's noise string.

        Args:
            devices: its junctions; all as `smtj` says by default.
        """
        junctions = devices or (self.smtj,) * self.noise.n_mtj
        return _string(self.noise, junctions, self.temperature, self.synapse.r_feedback)  # pyright: ignore[reportArgumentType]  # frozen models have a hash

    def noise_strings(self, neurons: int, rng: np.random.Generator) -> tuple[NoiseString, ...]:
        """The string of each neuron, none for another source; spread devices are drawn once.

        Args:
            neurons: how many.
            rng: device k of the network draws from its k-th child.
        """
        if self.noise.source != "string":
            return ()
        if not self.smtj.spread:
            return (self.noise_string(),) * neurons
        n = self.noise.n_mtj
        devices = [self.smtj.draw(child) for child in rng.spawn(neurons * n)]
        return self.strings_of(devices)

    def strings_of(self, devices: Sequence[SmtjParameters]) -> tuple[NoiseString, ...]:
        """The string of each neuron, from the network's junctions one string after the other."""
        n = self.noise.n_mtj
        return tuple(
            self.noise_string(tuple(devices[k : k + n])) for k in range(0, len(devices), n)
        )


@lru_cache(maxsize=1024)
def _string(
    noise: NoiseParameters,
    junctions: tuple[SmtjParameters, ...],
    temperature: float,
    r_feedback: float,
) -> NoiseString:
    """Strings alike are one, since their closed forms take roots that cost milliseconds."""
    return NoiseString(
        parameters=noise, junctions=junctions, temperature=temperature, r_feedback=r_feedback
    )
