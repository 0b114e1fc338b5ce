"""The electrical rules at the command line: what stops, what is listed, what is recorded."""

import json
import re
import tomllib
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from circuits import CircuitParameters, Network, OpAmpParameters
from netlists import export
from netlists.export import main as build
from netlists.rules import Finding
from sim import preparation
from sim.clock import Clock, Fidelity
from sim.noise.command import main as noise
from sim.rules import clock_findings
from sim.run import main as run
from sim.settling import Jump, JumpResponse, Settling

pytestmark = pytest.mark.usefixtures("undrawn")

SHORT = ["--layers", "2,1", "--samples", "4", "--epochs", "0"]
HEAVY = "circuit.synapse.r_feedback=150"  # loads the first amplifier with 2.48 V / 75 Ω

ERRORS = [
    (
        "--set circuit.activation.r_load=10 --set circuit.activation.r_positive=10",
        "amplifier overdriven: xlayer1.xn1.xb at a1_1: signals of ±1 V ask it for up to 50.",
        "first r.xlayer1.xn1.xact.rpos, 10 Ω",
    ),
    (
        "--t-aperture 1u",
        "aperture shorter than settling: simulation.t_aperture: an aperture of 1e-06 s misses",
        "a3_1 takes 3.7",
    ),
    (
        "--t-pass 1u",
        "pass shorter than settling: simulation.t_pass: a pass of 1e-06 s ends before the circuit",
        "take 7.5 µs or more, or faster op-amps (circuit.opamp.gbw, slew_rate)",
    ),
    (
        "--t-pass 2u --t-aperture 1u --fidelity full",
        "pass shorter than settling: simulation.t_pass: a pass of 2e-06 s",
        "a3_1 takes",
    ),
]


@pytest.mark.parametrize(("typed", "line", "remedy"), ERRORS, ids=[typed for typed, *_ in ERRORS])
def test_an_error_is_one_line_and_exit_code_2(
    typed: str, line: str, remedy: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    assert run([*typed.split(), "--out", str(out)]) == 2
    complaint = capsys.readouterr().err
    assert complaint.startswith(f"error: {line}")
    assert remedy in complaint
    assert complaint.count("\n") == 1
    assert not out.exists()


def test_every_error_has_a_line_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--set", "circuit.synapse.r_feedback=40"]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert [line[:51] for line in lines] == [
        "error: amplifier overdriven: xlayer1.xn1.xa at xlay",
        "error: amplifier overdriven: xlayer1.xn1.xb at a1_1",
    ]


WARNINGS = [
    (f"--set {HEAVY}", "warning: amplifier overdriven: xlayer1.xn1.xa at xlayer1.xn1.op: a full"),
    (
        "--layers 2,1,1 --set circuit.synapse.r_min=10",
        "warning: amplifier overdriven: xlayer1.xn1.xact.xbuf at x1_1: one weight at",
    ),
    (
        "--set circuit.smtj.barrier_p=0.17",
        "warning: dwell shorter than settling: xlayer1.xz1 at xlayer1.z1: a junction dwells",
    ),
    (
        "--source hmm --set circuit.noise.hmm.sample_time=1u",
        "warning: dwell shorter than settling: circuit.noise.hmm.sample_time: at z1_1 and all",
    ),
]


@pytest.mark.parametrize(("typed", "line"), WARNINGS, ids=[typed for typed, _ in WARNINGS])
def test_a_warning_is_printed_before_training_and_recorded(
    typed: str, line: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    assert run([*SHORT, *typed.split(), "--out", str(out)]) == 0
    assert capsys.readouterr().out.startswith(line)
    erc = json.loads((out / "summary.json").read_text(encoding="utf8"))["erc"]
    assert erc["checked"] is True
    (finding,) = erc["findings"]
    assert finding["severity"] == "warning"
    assert line.startswith(f"warning: {finding['rule']}: {finding['part']}")
    assert finding["node"]
    assert finding["message"]


def test_a_sound_run_is_checked_and_says_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([*SHORT, "--out", str(tmp_path / "run")]) == 0
    assert "warning" not in capsys.readouterr().out
    summary = json.loads((tmp_path / "run" / "summary.json").read_text(encoding="utf8"))
    assert summary["erc"] == {"checked": True, "findings": [], "findings_trained": []}
    config = tomllib.loads((tmp_path / "run" / "config.toml").read_text(encoding="utf8"))
    assert config["simulation"]["erc"] is True


def test_a_trained_circuit_is_asked_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # One buffer drives six neurons: at the start by next to nothing, trained by 2.48 V × Σ|w|/R_f.
    out = tmp_path / "run"
    typed = (
        "--seed 4 --layers 1,1,6 --epochs 8 --samples 50 --fidelity op --eta 0.1 "
        "--set learning.init_scale=0.05 --set circuit.opamp.i_out=53u "
        "--set circuit.activation.r_load=400k --set circuit.synapse.r_min=48k"
    )
    assert run([*typed.split(), "--out", str(out)]) == 0
    erc = json.loads((out / "summary.json").read_text(encoding="utf8"))["erc"]
    assert erc["findings"] == []
    (finding,) = erc["findings_trained"]
    assert (finding["rule"], finding["node"]) == ("amplifier overdriven", "x1_1")
    line = "warning: with the trained weights: amplifier overdriven: xlayer1.xn1.xact.xbuf at x1_1"
    assert line in capsys.readouterr().out


def test_what_becomes_an_error_by_training_is_said_and_what_was_known_is_not() -> None:
    known = Finding("warning", "r", "n", "xn1", "", ("xn2",))
    worse = Finding("error", "r", "n", "xn1", "")
    turned = Finding("warning", "r", "n", "xn2", "", ("xn1",))
    more = Finding("warning", "r", "n", "xn1", "", ("xn2", "xn3"))
    assert turned.breaches <= known.breaches
    assert not worse.breaches <= known.breaches
    assert not more.breaches <= known.breaches


@pytest.mark.parametrize(
    ("typed", "parts"),
    [
        ("--opamp single-pole --set circuit.opamp.v_offset=5m", ["circuit.opamp.v_offset"]),
        ("--opamp ideal --set circuit.opamp.gbw=1M", ["circuit.opamp.gbw"]),
        ("--opamp single-pole --set circuit.opamp.gbw=1M", []),
        ("--set circuit.opamp.v_offset=5m", []),
    ],
)
def test_a_figure_that_the_model_lacks_is_said_to_be_without_effect(
    typed: str, parts: list[str], tmp_path: Path
) -> None:
    out = tmp_path / "run"
    assert run([*SHORT, *typed.split(), "--quiet", "--out", str(out)]) == 0
    erc = json.loads((out / "summary.json").read_text(encoding="utf8"))["erc"]
    found = [f["part"] for f in erc["findings"] if f["rule"] == "parameter without effect"]
    assert found == parts


def test_operating_points_ask_for_no_settling(tmp_path: Path) -> None:
    out = tmp_path / "run"
    slow = ["--fidelity", "op", "--set", "circuit.opamp.gbw=300"]
    assert run([*SHORT, *slow, "--quiet", "--out", str(out)]) == 0


def test_a_run_outside_its_range_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    low = ["--set", "circuit.v_dd=0.15", "--set", "circuit.v_ss=-0.2"]
    assert run([*SHORT, *low, "--out", str(out)]) == 0
    said = capsys.readouterr().out
    assert "warning: signals beyond the rails: circuit.v_dd: amplifiers reach 130 mV" in said
    doubts = [line for line in said.splitlines() if "are doubtful, most for" in line]
    assert len(doubts) == 1
    behind = r"(\d+) of the (\d+) passes behind initial, .*, in loop and deviation are doubtful, "
    found = re.search(behind + "most for an amplifier at its rail: read their figures", doubts[0])
    assert found
    guards = json.loads((out / "summary.json").read_text(encoding="utf8"))["guards"]
    parts = [part for name, part in guards.items() if name != "all"]
    outside = [part for part in parts if part["doubtful"] > part["passes"] / 2]
    assert len(outside) > 3
    assert int(found[1]) == sum(part["doubtful"] for part in outside)
    assert int(found[2]) == sum(part["passes"] for part in outside)
    assert "nan" not in said


def test_no_erc_lets_everything_through_and_is_recorded(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object, **__: object) -> None:
        raise AssertionError

    # With an aperture given, nothing is measured either.
    monkeypatch.setattr(preparation, "measure_settling", never)
    monkeypatch.setattr(preparation, "circuit_findings", never)
    out = tmp_path / "run"
    bad = ["--set", "circuit.synapse.r_feedback=40", "--t-aperture", "1u", "--no-erc"]
    assert run([*SHORT, *bad, "--out", str(out)]) == 0
    assert "warning" not in capsys.readouterr().out
    summary = json.loads((out / "summary.json").read_text(encoding="utf8"))
    assert summary["erc"] == {"checked": False, "findings": [], "findings_trained": []}
    config = tomllib.loads((out / "config.toml").read_text(encoding="utf8"))
    assert config["simulation"]["erc"] is False


def test_no_erc_leaves_an_aperture_to_be_measured(tmp_path: Path) -> None:
    out = tmp_path / "run"
    assert run([*SHORT, "--t-pass", "2u", "--no-erc", "--out", str(out)]) == 0
    summary = json.loads((out / "summary.json").read_text(encoding="utf8"))
    assert summary["t_aperture_s"] == 2e-6  # the whole pass, which is too short


def test_mathematics_alone_has_no_circuit_to_check(tmp_path: Path) -> None:
    bad = ["--engine", "ideal", "--set", "circuit.synapse.r_feedback=40"]
    assert run([*SHORT, *bad, "--out", str(tmp_path / "run")]) == 0
    summary = json.loads((tmp_path / "run" / "summary.json").read_text(encoding="utf8"))
    assert summary["erc"] == {"checked": False, "findings": [], "findings_trained": []}


# --- the clock ---------------------------------------------------------------------------------

CIRCUIT = CircuitParameters()
NETWORK = Network((2, 2, 1))
SLOW = Settling(8e-6, "x1_2")


def clock_rules(
    t_aperture: float, fidelity: Fidelity, circuit: CircuitParameters = CIRCUIT, **options: bool
) -> list[tuple[str, str, str]]:
    strings = circuit.noise_strings(3, np.random.default_rng(4))
    clock = Clock(1e-3, t_aperture, fidelity)
    found = clock_findings(clock, SLOW, NETWORK, circuit, strings, **options)
    return [(f.severity, f.rule, f.node) for f in found]


def test_an_aperture_counts_where_there_is_one() -> None:
    early = [("error", "aperture shorter than settling", "x1_2")]
    assert clock_rules(7.9e-6, "aperture") == early
    assert clock_rules(8.0e-6, "aperture") == []
    assert clock_rules(1e-6, "full") == []
    assert clock_rules(1e-6, "op") == []


def test_the_string_that_flips_fastest_is_named() -> None:
    spread = CircuitParameters.model_validate(
        {"smtj": {"barrier_p": 0.225, "barrier_ap": 0.225, "spread_barrier": 0.02}}
    )
    strings = spread.noise_strings(3, np.random.default_rng(4))
    fastest = int(np.argmin([s.shortest_dwell for s in strings]))
    dwell = strings[fastest].shortest_dwell
    assert dwell < SLOW.time
    node = ("xlayer1.z1", "xlayer1.z2", "xlayer2.z1")[fastest]
    assert clock_rules(1e-5, "aperture", spread) == [
        ("warning", "dwell shorter than settling", node)
    ]
    assert clock_rules(1e-5, "op", spread) == []
    assert clock_rules(1e-5, "full", spread, silent=True) == []


@pytest.mark.parametrize("source", ["bernoulli", "binomial", "gaussian", "measured"])
def test_noise_held_through_the_pass_has_no_dwell(source: str) -> None:
    circuit = CircuitParameters.model_validate({"noise": {"source": source}})
    assert clock_rules(1e-5, "full", circuit) == []


def test_the_last_node_to_settle_is_named() -> None:
    time = np.linspace(0, 1, 101)
    waves = np.array([np.exp(-20 * time), 2 * np.exp(-9 * time), np.zeros(101)])
    response = JumpResponse(Jump("", (), (0, 1), (0, 1)), ("a", "b", "c"), time, waves, True)
    assert response.last(0.1) == "b"
    # ln(20)/9 = 0.333 s, and ln(10)/20 = 0.115 s.
    assert response.settled(0.1) == pytest.approx(0.34)
    assert response.last(1.5) == "b"
    assert response.last(5.0) == "a"  # nothing moves as much


# --- other commands ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("i_out", "expected"),
    [
        # Two feedback resistors of 100 kΩ: 20 µA at 1 V, 49.6 µA at full swing.
        (15e-6, (2, "error: amplifier overdriven: xlayer1.xn1.xa at xlayer1.xn1.op: signals")),
        (40e-6, (0, "warning: amplifier overdriven: xlayer1.xn1.xa at xlayer1.xn1.op: a full")),
    ],
)
def test_decks_are_checked_before_they_are_written(
    i_out: float,
    expected: tuple[int, str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    code, line = expected
    # What breaks a rule with this command's own options, --layers 1,1,3000, takes seconds.
    monkeypatch.setattr(export, "OpAmpParameters", partial(OpAmpParameters, i_out=i_out))
    target = tmp_path / "deck.cir"
    command = ["--layers", "2,1", "--fidelity", "op", "--out", str(target)]
    assert build(command) == code
    assert capsys.readouterr().err.startswith(line)
    assert target.exists() == (code == 0)
    assert build([*command, "--no-erc"]) == 0
    assert capsys.readouterr().err == ""
    assert target.exists()


def test_a_neuron_under_noise_is_checked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "noise"
    command = ["--in-circuit", "--samples", "200", "--out", str(out), "--set"]
    assert noise([*command, "circuit.synapse.r_feedback=40"]) == 2
    assert "error: amplifier overdriven: xlayer1.xn1.xa" in capsys.readouterr().err
    assert not out.exists()
    assert noise([*command, HEAVY]) == 0
    assert "amplifier overdriven: xlayer1.xn1.xa at xlayer1.xn1.op" in capsys.readouterr().out
    (one,) = json.loads((out / "noise.json").read_text(encoding="utf8"))["specimens"]
    assert one["in_circuit"]["erc"]["checked"] is True
    assert one["in_circuit"]["erc"]["findings"][0]["part"] == "xlayer1.xn1.xa"
