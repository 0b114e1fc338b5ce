"""Parameters by any unique ending of their paths."""

import pytest

from sim.config import RunConfig
from sim.errors import UserError
from sim.settings import changed
from sim.sweep.paths import _parameters, field_of, full_path, value_of


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("eta", "learning.eta"),
        ("learning.eta", "learning.eta"),
        ("opamp.gbw", "circuit.opamp.gbw"),
        ("smtj.tmr", "circuit.smtj.tmr"),
        ("seed", "seed"),
        ("diode", "circuit.activation.diode"),
        ("diode.i_s", "circuit.activation.diode.i_s"),
        ("exceptions.n1_2_b.v_offset", "circuit.exceptions.n1_2_b.v_offset"),
    ],
)
def test_an_ending_stands_for_the_whole_path(name: str, path: str) -> None:
    assert full_path(name) == path


def test_every_parameter_stands_for_itself_and_is_one_of_the_configuration() -> None:
    tree = RunConfig().model_dump()
    for path in _parameters():
        if "*" in path:
            continue
        assert full_path(path) == path
        value = tree
        for part in path.split(".")[:-1]:
            value = value[part] or {}
        assert path.split(".")[-1] in value or ".diode." in path
        assert field_of(path).description


def test_the_unit_is_the_one_that_the_description_ends_with() -> None:
    for path in _parameters():
        field = field_of(path.replace("*", "n1_1_a"))
        if field.unit not in ("", "1"):
            assert f" {field.unit}" in field.description.replace(",", ""), path


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("opamp", "opamp: is a section; wanted one parameter, of circuit.opamp.level"),
        ("offset", "offset: matches circuit.noise.bernoulli.offset, circuit.noise.binomial.off"),
        ("opamp.gbv", "opamp.gbv: no such parameter; did you mean circuit.opamp.gbw"),
        ("", "no such parameter"),
        ("n1_2_b.gbw", "no such parameter"),
        ("circuit..gbw", "no such parameter"),
        ("exceptions..gbw", "no such parameter"),
        ("entirely.else", "the config.toml of any run lists all"),
        ("*.gbw", "no such parameter"),
    ],
)
def test_no_parameter(name: str, said: str) -> None:
    with pytest.raises(UserError) as caught:
        full_path(name)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("path", "value", "read"),
    [
        ("circuit.opamp.gbw", "1M", 1e6),
        ("circuit.opamp.gbw", "2.8 MHz", 2.8e6),
        ("task.epochs", "3", 3),
        ("learning.biases", "true", True),
        ("task.layers", "2,4,1", "2,4,1"),
        ("circuit.activation.diode", "BAT54", "BAT54"),
        ("circuit.synapse.r_max", "inf", float("inf")),
    ],
)
def test_a_value_is_read_as_the_configuration_reads_it(path: str, value: str, read: object) -> None:
    found = field_of(path).read(value, "--vary")
    assert found == read
    assert type(found) is type(read)
    assert changed(RunConfig(), {path: found}) == changed(RunConfig(), {path: value})


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("circuit.opamp.gbw", "-1", "--vary: circuit.opamp.gbw: input should be greater than"),
        ("circuit.opamp.gbw", "1V", "got one in V"),
        ("circuit.smtj.field", "nan", "finite"),
        ("task.epochs", "3.5", "valid integer"),
        ("circuit.noise.n_mtj", True, "wanted a whole number, got True"),
        ("learning.rule", "dap", "wanted one of danp"),
        ("simulation.fidelity", "opp", "'full', 'aperture' or 'op'"),
    ],
)
def test_no_value(path: str, value: object, said: str) -> None:
    with pytest.raises(UserError) as caught:
        field_of(path).read(value, "--vary")
    assert said in str(caught.value)


def test_kinds_and_choices() -> None:
    assert field_of("learning.optimizer").choices == ("sgd", "adam")
    assert field_of("simulation.fidelity").choices == ("full", "aperture", "op")
    assert [field_of(path).type for path in ("seed", "learning.eta", "task.name")] == [
        int,
        float,
        str,
    ]


def test_a_value_in_a_configuration() -> None:
    config = changed(RunConfig(), {"circuit.exceptions.n1_2_b.gbw": 3e3}).complete()
    assert value_of(config, "circuit.opamp.gbw") == 2.8e6
    assert value_of(config, "circuit.exceptions.n1_2_b.gbw") == 3e3
    assert value_of(config, "circuit.exceptions.n1_1_a.gbw") is None
    assert value_of(config, "circuit.activation.diode.i_s") is None
    assert value_of(config, "task.layers") == "2,2,2,1"
