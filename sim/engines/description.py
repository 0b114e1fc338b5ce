"""What an engine is made from, as text: for another process, or for another day."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from circuits import CircuitParameters, Network, NoiseParameters, NoiseString, SmtjParameters
from netlists.build import SolverSettings
from sim.clock import Clock
from sim.engines.ngspice import NgspiceEngine
from sim.engines.reduced import ReducedEngine

ENGINES: Mapping[str, type[NgspiceEngine] | type[ReducedEngine]] = {
    "norton": ReducedEngine,
    "none": NgspiceEngine,
}
"""What simulates the circuit, by the reduction that it makes of it."""

_NETWORK, _CLOCK = TypeAdapter(Network), TypeAdapter(Clock)
_SOLVER = TypeAdapter(SolverSettings)

UNIT = 4
"""Passes of one question to a worker. A pass of a small network takes a millisecond, a question and
its answer a sixth of one. A batch of 32 samples makes 16 units: two workers end about together."""


@dataclass(frozen=True)
class EngineDescription:
    """The arguments of an engine.

    Attributes:
        network: layers and biases.
        circuit: parameters of every part.
        clock: lengths and fidelity of passes.
        strings: noise string of each neuron; all as `circuit` says where there are none.
        solver: accuracy.
        reduction: a name in `ENGINES`.
    """

    network: Network
    circuit: CircuitParameters
    clock: Clock
    strings: tuple[NoiseString, ...] = ()
    solver: SolverSettings = field(default_factory=SolverSettings)
    reduction: str = "norton"

    @property
    def unit(self) -> int:
        """Passes to simulate together; what a pass gives may depend on those of its unit alone."""
        return UNIT

    def make(self, keep: Path | None = None) -> NgspiceEngine | ReducedEngine:
        """The engine.

        Args:
            keep: folder for deck and log of a failed simulation; a temporary one by default.

        Raises:
            UserError: ngspice is not installed.
        """
        return ENGINES[self.reduction](
            self.network,
            self.circuit,
            self.clock,
            strings=self.strings,
            solver=self.solver,
            keep=keep,
        )

    def to_json(self) -> str:
        """As one line of JSON, floats to the last bit."""
        kinds = {string: k for k, string in enumerate(dict.fromkeys(self.strings))}
        return json.dumps(
            {
                "network": asdict(self.network),
                "circuit": self.circuit.model_dump(mode="json"),
                "clock": asdict(self.clock),
                "strings": [_plain_string(string) for string in kinds],
                "string_of_neuron": [kinds[string] for string in self.strings],
                "solver": asdict(self.solver),
                "reduction": self.reduction,
            }
        )

    @classmethod
    def from_json(cls, text: str) -> "EngineDescription":
        """What `to_json` wrote.

        Raises:
            ValueError: it is something else.
        """
        try:
            tree = json.loads(text)
            kinds = [_string(plain) for plain in tree["strings"]]
            return cls(
                network=_NETWORK.validate_python(tree["network"]),
                circuit=CircuitParameters.model_validate(tree["circuit"]),
                clock=_CLOCK.validate_python(tree["clock"]),
                strings=tuple(kinds[k] for k in tree["string_of_neuron"]),
                solver=_SOLVER.validate_python(tree["solver"]),
                reduction=_known(tree["reduction"]),
            )
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, (error.title, *first["loc"])))
            raise ValueError(f"describes no engine: {where}: {first['msg']}") from None
        except (KeyError, TypeError, IndexError, RecursionError) as error:
            raise ValueError(f"describes no engine: {error!r}") from None


def _known(reduction: str) -> str:
    if reduction not in ENGINES:
        raise ValueError(f"reduction: wanted one of {', '.join(ENGINES)}, got {reduction!r}")
    return reduction


def _plain_string(string: NoiseString) -> dict[str, Any]:
    return {
        "parameters": string.parameters.model_dump(mode="json"),
        "junctions": [junction.model_dump(mode="json") for junction in string.junctions],
        "temperature": string.temperature,
        "r_feedback": string.r_feedback,
    }


def _string(plain: dict[str, Any]) -> NoiseString:
    return NoiseString(
        parameters=NoiseParameters.model_validate(plain["parameters"]),
        junctions=tuple(SmtjParameters.model_validate(one) for one in plain["junctions"]),
        temperature=plain["temperature"],
        r_feedback=plain["r_feedback"],
    )
