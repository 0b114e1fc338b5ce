from collections.abc import Iterator
from typing import Any, get_args

import pytest
import tolerances
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from circuits import CircuitParameters, OpAmpParameters, SmtjParameters, SynapseParameters
from circuits.quantities import Unit, format_quantity, parse_quantity
from sim.config import RunConfig


@pytest.mark.parametrize(
    ("text", "unit", "value"),
    [
        ("100k", "Ω", 100e3),
        ("100 kOhm", "Ω", 100e3),
        ("4.7 kΩ", "Ω", 4.7e3),
        ("2.8 MHz", "Hz", 2.8e6),
        ("1m", "s", 1e-3),
        ("1M", "Ω", 1e6),
        ("-2.5 V", "V", -2.5),
        ("300 µs", "s", 300e-6),
        ("300us", "s", 300e-6),
        ("1e-9", "s", 1e-9),
        ("inf", "Ω", float("inf")),
        (7, "V", 7.0),
        (0.25, "1", 0.25),
    ],
)
def test_engineering_notation_is_read_as_si(text: float | str, unit: str, value: float) -> None:
    assert parse_quantity(text, unit) == pytest.approx(value, rel=tolerances.ROUNDING)


@pytest.mark.parametrize("value", [3.3, 100e3, 2.8e6, 60e-9, 15e-12, 0.0, -2.5])
def test_what_is_printed_is_read_back(value: float) -> None:
    for unit in ("V", "Ω", "Hz", "s", "1"):
        assert parse_quantity(format_quantity(value, unit), unit) == pytest.approx(
            value, rel=tolerances.FOUR_DIGITS_PRINTED
        )


@pytest.mark.parametrize(
    ("value", "printed"),
    [(2.1734, "2.17 V"), (0.99961, "1 V"), (63.94e-3, "63.9 mV"), (8.124e-6, "8.12 µV")],
)
def test_as_many_digits_as_asked(value: float, printed: str) -> None:
    assert format_quantity(value, "V", 3) == printed


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("3 V", "wanted a number in Ω.*, got one in V"),
        ("ten", "wanted a number in Ω, such as '4.7k', got 'ten'"),
        ("", "wanted a number in Ω"),
        (True, "wanted a number in Ω.*, got True"),
        (None, "wanted a number in Ω.*, got None"),
        ([1], r"wanted a number in Ω.*, got \[1\]"),
    ],
)
def test_what_is_no_such_quantity_is_refused(value: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_quantity(value, "Ω")


@pytest.mark.parametrize(
    ("model", "settings", "message"),
    [
        (OpAmpParameters, {"gbw": "2 V"}, "wanted a number in Hz.*, got one in V"),
        (OpAmpParameters, {"gbw": True}, "wanted a number in Hz.*, got True"),
        (OpAmpParameters, {"gbw": "inf"}, "finite"),
        (OpAmpParameters, {"gbw": 0}, "greater than or equal to 1"),
        (OpAmpParameters, {"gwb": 1e6}, "Extra inputs"),
        (OpAmpParameters, {"part": "MCP601\n.control"}, "pattern"),
        (SmtjParameters, {"diameter": "60 nV"}, "wanted a number in m.*, got one in V"),
        (SynapseParameters, {"r_min": "inf"}, "finite"),
        (CircuitParameters, {"v_ss": 2.5}, "less than 0"),
        (CircuitParameters, {"opamp": {"headroom": "1 V"}, "v_dd": 0.5, "v_ss": -0.5}, "no swing"),
        (CircuitParameters, {"activation": {"diode": "1N4001"}}, "unknown diode '1N4001'.*BAT54"),
    ],
)
def test_parameters_refuse_what_makes_no_circuit(
    model: type[BaseModel], settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValidationError, match=message):
        model.model_validate(settings)


def test_an_open_largest_resistor_is_allowed() -> None:
    assert SynapseParameters.model_validate({"r_max": "inf"}).r_max == float("inf")


def reachable(model: type[BaseModel]) -> Iterator[tuple[str, FieldInfo]]:
    for name, field in model.model_fields.items():
        yield f"{model.__name__}.{name}", field
        for inner in parts(field.annotation):
            if isinstance(inner, type) and issubclass(inner, BaseModel):
                yield from reachable(inner)


def parts(annotation: Any) -> Iterator[Any]:
    """The annotation and everything inside of it, unions and metadata included."""
    yield annotation
    for inner in get_args(annotation):
        yield from parts(inner)


FIELDS = dict([*reachable(CircuitParameters), *reachable(RunConfig)])


def test_every_model_of_a_run_is_looked_at() -> None:
    models = {name.split(".")[0] for name in FIELDS}
    assert models >= {
        "CircuitParameters", "OpAmpParameters", "ActivationParameters", "DiodeParameters",
        "SynapseParameters", "NoiseParameters", "SmtjParameters", "RunConfig", "TaskConfig",
        "LearningConfig", "SimulationConfig",
    }  # fmt: skip


@pytest.mark.parametrize("name", FIELDS)
def test_fields_say_what_they_are_and_in_which_unit(name: str) -> None:
    field = FIELDS[name]
    assert field.description
    inside = [*parts(field.annotation), *field.metadata]
    if float not in inside:
        return
    units = [part.symbol for part in inside if isinstance(part, Unit)]
    assert len(units) == 1
    assert f", {units[0]}" in field.description or f" {units[0]} " in f" {field.description} "
