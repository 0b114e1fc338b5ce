"""The corners: temperatures and supplies under which every cell is measured."""

from collections.abc import Sequence

from pydantic import ValidationError

from circuits import CircuitParameters
from circuits.quantities import parse_quantity
from sim.characterize.sheet import Conditions
from sim.config import RunConfig
from sim.errors import UserError

TEMPERATURES = (-40.0, 85.0, 125.0)
"""°C, besides the configured one: the ends of the industrial and the automotive range."""

SUPPLIES = (0.9, 1.0, 1.1)
"""Factors on v_dd and v_ss."""


def corners(
    config: RunConfig, temperatures: Sequence[float] = (), supplies: Sequence[float] = ()
) -> tuple[Conditions, ...]:
    """Every temperature with every supply, ascending.

    Args:
        config: circuit, layers and solver.
        temperatures: °C; by default those of `TEMPERATURES` and the configured one.
        supplies: factors on v_dd and v_ss; by default those of `SUPPLIES`.

    Raises:
        UserError: the circuit does not work at such a corner.
    """
    temperatures = temperatures or (*TEMPERATURES, config.circuit.temperature)
    return tuple(
        _corner(config, temperature, supply)
        for temperature in sorted(set(temperatures))
        for supply in sorted(set(supplies or SUPPLIES))
    )


def typical_corner(config: RunConfig) -> tuple[Conditions, ...]:
    """The configured temperature and supplies alone."""
    return corners(config, (config.circuit.temperature,), (1.0,))


def parse_temperature(text: str) -> float:
    """Read a temperature such as `85` or `-40 °C`, °C.

    Raises:
        UserError: it is none.
    """
    return _parsed("--temperature", text, "°C")


def parse_supply(text: str) -> float:
    """Read a factor such as `0.9`, 1.

    Raises:
        UserError: it is none, or not positive.
    """
    ratio = _parsed("--supply", text, "1")
    if not ratio > 0:
        raise UserError(f"--supply: wanted a factor above 0, such as 0.9, got {text!r}")
    return ratio


def _parsed(option: str, text: str, unit: str) -> float:
    try:
        return parse_quantity(text, unit)
    except ValueError as error:
        raise UserError(f"{option}: {error}") from None


def _corner(config: RunConfig, temperature: float, supply: float) -> Conditions:
    nominal = config.circuit
    supplies = {"v_dd": nominal.v_dd * supply, "v_ss": nominal.v_ss * supply}
    warm = _changed(nominal, f"--temperature {temperature:g}", {"temperature": temperature})
    circuit = _changed(warm, f"--supply {supply:g}", supplies)
    return Conditions(
        circuit=circuit,
        nominal=nominal,
        network=config.network,
        solver=config.simulation.solver(),
        temperature=temperature,
        supply=supply,
    )


def _changed(
    circuit: CircuitParameters, option: str, changes: dict[str, float]
) -> CircuitParameters:
    """The circuit at a corner; what makes it impossible is laid to the option."""
    try:
        changed = CircuitParameters.model_validate(circuit.model_dump() | changes)
        _require_noise(changed)
    except ValidationError as error:
        first = error.errors()[0]
        why = str(first.get("ctx", {}).get("error", first["msg"]))
        raise UserError(f"{option}: {why[0].lower()}{why[1:]}") from None
    except ValueError as error:
        raise UserError(f"{option}: {error}") from None
    return changed


def _require_noise(circuit: CircuitParameters) -> None:
    """Refuse a string without a law at this temperature; `ValueError` says why."""
    if circuit.noise.source == "string":
        _ = circuit.noise_string().r_trim
