"""Properties that hold whatever is thrown at them: damaged files, hostile values, random circuits.

The suite tries a few fixed examples of each. `make fuzz` tries fresh ones for `DANP_FUZZ_SECONDS`
each, 120 by default, and prints how many it tried.
"""

import os
import secrets
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from tolerances import IDEAL_PARTS

from circuits import CircuitParameters, Network
from netlists.build import build_deck, control_names, probe_names
from netlists.rules import Limits, check
from netlists.spice import format_deck, format_for_library
from netlists.stimulus import still
from sim.config import RunConfig
from sim.errors import UserError
from sim.libngspice import get_library
from sim.preparation import set_up
from sim.settings import load_config

DEFAULT = RunConfig().complete().to_toml().encode()
UNHURRIED = (HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much)
LINE = 8  # lines of a UserError at most; the rules give one for each finding


# --- what is tried ------------------------------------------------------------------------------
def fields(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, FieldInfo]]:
    """Every parameter by its path."""
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from fields(kind, f"{prefix}{name}.")
        else:
            yield prefix + name, field


FIELDS = dict(fields(RunConfig))
NUMBERS = {
    path: field
    for path, field in FIELDS.items()
    if float in (field.annotation, *get_args(field.annotation))
}


def within(field: FieldInfo) -> st.SearchStrategy[float]:
    """Numbers between the limits of a field, over orders of magnitude."""
    low, high = -1e12, 1e12
    parts = [field.metadata, *(get_args(a) for a in get_args(field.annotation))]
    limits = [limit for part in parts for limit in part]
    for name in ("ge", "gt", "le", "lt"):
        for limit in (float(getattr(one, name)) for one in limits if hasattr(one, name)):
            if name in {"ge", "gt"}:
                low = limit if name == "ge" else float(np.nextafter(limit, np.inf))
            else:
                high = limit if name == "le" else float(np.nextafter(limit, -np.inf))
    return st.floats(low, high, allow_nan=False)


HOSTILE = st.one_of(
    st.text(max_size=20),
    st.floats().map(repr),
    st.integers().map(str),
    st.sampled_from(
        ["", " ", "inf", "-inf", "nan", "1e308", "5e-324", "0", "-0", "true", "None", "1k", "1 V",
         "1e9999", "0x10", "[]", "{}", "../..", "/dev/null", "/", "a" * 5000, "\x00", "\ud800",
         "٣", "1_0", "½", "$(rm)", "%s%n", "'", '"', "\\", "\n", "=", "2,2", "2,2,2,1"]
    ),
)  # fmt: skip
PATHS = st.one_of(
    st.sampled_from(sorted(FIELDS)),
    st.sampled_from(sorted(NUMBERS)),
    st.sampled_from(sorted({path.rpartition(".")[0] for path in FIELDS} - {""})),
    st.text(max_size=12),
)
ASSIGNMENTS = st.lists(st.builds("{}={}".format, PATHS, HOSTILE), min_size=1, max_size=3)


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """The default configuration's file, damaged a few times."""
    text = DEFAULT
    for _ in range(draw(st.integers(1, 4))):
        at_, length = draw(st.integers(0, len(text))), draw(st.integers(0, 40))
        match draw(st.sampled_from(["cut", "insert", "flip", "double", "end"])):
            case "cut":
                text = text[:at_] + text[at_ + length :]
            case "insert":
                new = draw(st.one_of(st.binary(max_size=12), st.sampled_from([b"[", b"[[", b"{",
                                     b"'''", b'"', b"=", b"\n", b".", b",", b"inf", b"nan",
                                     b"9" * 400, b"1979-05-27", b"\xef\xbb\xbf"])))  # fmt: skip
                text = text[:at_] + new + text[at_:]
            case "flip" if at_ < len(text):
                text = text[:at_] + bytes([text[at_] ^ draw(st.integers(1, 255))]) + text[at_ + 1 :]
            case "double":
                text = text[:at_] + text[at_ : at_ + length] + text[at_:]
            case "end":
                text = text[:at_]
    return text


@st.composite
def valid_values(draw: st.DrawFn) -> dict[str, float]:
    """Some parameters, each within its own limits."""
    names = draw(st.lists(st.sampled_from(sorted(NUMBERS)), max_size=8, unique=True))
    return {name: draw(within(NUMBERS[name])) for name in names}


# --- what has to hold ---------------------------------------------------------------------------
def complaint(error: UserError) -> None:
    """It says something, a line a finding."""
    assert 0 < len(error.args) <= LINE
    assert all(str(line).strip() for line in error.args)


def file_is_read_or_refused(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "c.toml"
        path.write_bytes(content)
        try:
            config = load_config(path, None, {})
        except UserError as error:
            complaint(error)
            assert str(path) in str(error)  # noqa: PT017  # else there is no error
            return
        path.write_text(config.to_toml(), encoding="utf8")
        assert load_config(path, None, {}) == config


def value_is_taken_or_refused(assignments: list[str]) -> None:
    """Also by what is made of it before anything is simulated."""
    try:
        config = load_config(None, None, {"simulation.engine": "ideal"}, None, assignments)
        sizes = (config.task.samples or 1, *config.network.layers)
        if config.task.name in {"teacher", "xor", "iris"} and max(sizes) <= 1000:
            set_up(config)
    except UserError as error:
        complaint(error)


def config_survives_its_file(values: dict[str, float]) -> None:
    try:
        config = load_config(None, None, values)
    except UserError as error:  # each is within its limits, but they do not go together
        complaint(error)
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "c.toml"
        path.write_text(config.to_toml(), encoding="utf8")
        again = load_config(path, None, {})
    assert again == config
    value_is_taken_or_refused([f"{name}={value!r}" for name, value in values.items()])
    assert again.complete().to_toml() == config.complete().to_toml()


@st.composite
def circuits(draw: st.DrawFn) -> tuple[Network, CircuitParameters, int]:
    """A network, a circuit that it is built in, and a seed of weights, inputs and devices."""
    layers = tuple(draw(st.lists(st.integers(1, 5), min_size=2, max_size=5)))
    source = draw(st.sampled_from(["string", "string", "hmm", "bernoulli", "binomial", "gaussian"]))
    strings = {
        "n_mtj": draw(st.integers(1, 3)),
        "arrangement": draw(st.sampled_from(["series", "parallel"])),
    }
    kind = draw(st.sampled_from(["diode-divider", "precision"]))
    spread = draw(st.sampled_from([0.0, 0.05]))
    level = draw(st.sampled_from(["ideal", "ideal", "single-pole", "macro"]))
    diode = draw(st.sampled_from(["ideal", "HSMS-2850", "1N4148"])) if level != "ideal" else "ideal"
    circuit = CircuitParameters.model_validate(
        {
            "opamp": {"level": level},
            "activation": {"kind": kind, "diode": diode},
            "synapse": {"r_max": draw(st.sampled_from([1e6, 10e6, float("inf")]))},
            "noise": {"source": source} | (strings if source == "string" else {}),
            "smtj": {"spread_resistance": spread, "spread_tmr": spread},
            "temperature": draw(st.sampled_from([-40.0, 27.0, 85.0])),
        }
    )
    return Network(layers, draw(st.booleans())), circuit, draw(st.integers(0, 2**32))


def circuit_is_what_was_asked(asked: tuple[Network, CircuitParameters, int]) -> None:
    network, circuit, number = asked
    rng = np.random.default_rng(number)
    pairs = [
        circuit.synapse.program(rng.normal(size=shape) / (2 * np.sqrt(shape[1])))
        for shape in (network.synapse_shape(k) for k in range(1, len(network.layers)))
    ]
    strings = circuit.noise_strings(network.neurons, rng)
    controls = control_names(network, circuit.noise)
    if strings:
        states = rng.integers(0, 2, (network.neurons, circuit.noise.n_mtj)).astype(np.uint8)
        levels = states.ravel().astype(np.float64)
        noise = np.array([s.node_noise(own) for s, own in zip(strings, states, strict=True)])
    else:
        noise = rng.normal(0, 5e-3, network.neurons)
        levels = noise * circuit.noise.r_inject / circuit.synapse.r_feedback  # volts at z
    inputs = rng.uniform(-1, 1, network.layers[0])
    deck = build_deck(
        network, circuit, pairs, [("p1", still(0.0, inputs, levels))], strings=strings
    )
    assert len(controls) == len(levels)
    assert not [f for f in check(deck, Limits.of(circuit)) if f.severity == "error"]
    text = format_deck(deck)
    assert text.isascii()
    assert all(f"v({probe})" in text for probe in probe_names(network))
    library = get_library()
    library.load(format_for_library(deck))
    library.command("op")
    found = {probe: float(library.vector(probe)[-1]) for probe in probe_names(network)}
    library.command("destroy all")
    library.unload()
    assert all(np.isfinite(volts) for volts in found.values())
    if circuit.opamp.level != "ideal":
        return
    x = inputs
    for layer, (pair, nu) in enumerate(zip(pairs, by_layer(noise, network), strict=True), start=1):
        x = np.append(x, circuit.v_one) if network.biases else x
        a = circuit.synapse.weights(pair) @ x + nu
        x = circuit.activation.ideal_transfer(a)
        wrong = max(abs(found[f"a{layer}_{j}"] - a[j - 1]) for j in range(1, len(a) + 1))
        # A layer multiplies what its inputs are off by with the sum of a row's |w|, here below 5.
        assert wrong < IDEAL_PARTS * 5**layer, (layer, wrong)


def by_layer(values: np.ndarray, network: Network) -> list[np.ndarray]:
    return np.split(values, np.cumsum(network.layers[1:])[:-1])


PROPERTIES: dict[str, tuple[Callable[[Any], None], st.SearchStrategy[Any], int]] = {
    "damaged files": (file_is_read_or_refused, damaged(), 150),
    "hostile values": (value_is_taken_or_refused, ASSIGNMENTS, 150),
    "round trips": (config_survives_its_file, valid_values(), 80),
    "random circuits": (circuit_is_what_was_asked, circuits(), 40),
}
"""What has to hold, of what, and how many examples the suite tries."""


@pytest.mark.parametrize("name", PROPERTIES)
def test_it_holds_of_the_same_few_examples(name: str) -> None:
    holds, examples, count = PROPERTIES[name]
    settings(max_examples=count, suppress_health_check=UNHURRIED)(given(examples)(holds))()


@pytest.mark.long
@pytest.mark.parametrize("name", PROPERTIES)
def test_it_holds_of_fresh_examples(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    holds, examples, _ = PROPERTIES[name]
    tried = 0

    def counted(example: Any) -> None:
        nonlocal tried
        tried += 1
        holds(example)

    quick = settings(
        max_examples=200,
        derandomize=False,
        database=None,
        suppress_health_check=UNHURRIED,
    )
    ends = time.monotonic() + float(os.environ.get("DANP_FUZZ_SECONDS", "120"))
    while time.monotonic() < ends:
        number = secrets.randbits(64)
        with capsys.disabled():
            try:
                seed(number)(quick(given(examples)(counted)))()
            finally:
                print(f"\n{name}: {tried} cases tried, seed {number}", end="")  # noqa: T201
