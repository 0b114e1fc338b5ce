"""Wrong input gets one line that says where, what, got and wanted, and exit code 2."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from netlists.export import main as build
from sim.cli import main as danp_cosim
from sim.run import main as run

pytestmark = pytest.mark.usefixtures("undrawn")

CASES = [
    ("--layers 2,0,1", "--layers: every layer needs at least one unit, got 2,0,1"),
    ("--layers 2", "--layers: wanted inputs and at least one layer of neurons"),
    ("--layers a,b", "--layers: wanted whole numbers parted by commas, as in 2,2,2,1, got 'a,b'"),
    ("--layers 2,-2,1", "--layers: every layer needs at least one unit, got 2,-2,1"),
    ("--layers 2,,1", "--layers: wanted whole numbers parted by commas"),
    ("--epochs x", "--epochs: wanted a whole number, got"),
    ("--epochs -1", "--epochs: input should be greater than or equal to 0, got '-1'"),
    ("--samples 0", "--samples: input should be greater than or equal to 1, got '0'"),
    ("--batch 0", "--batch: input should be greater than or equal to 1, got '0'"),
    ("--seed -1", "--seed: input should be greater than or equal to 0, got '-1'"),
    ("--eta -1", "--eta: input should be greater than 0"),
    ("--eta abc", "--eta: wanted a plain number, got 'abc'"),
    ("--eta nan", "--eta: "),
    ("--eta inf", "--eta: "),
    ("--decor-rate -1", "--decor-rate: input should be greater than or equal to 0"),
    ("--rule magic", "'magic' is not one of 'danp', 'anp', 'np', 'bp'"),
    ("--task cats", "'cats' is not one of 'teacher', 'xor', 'iris'"),
    ("--optimizer lbfgs", "'lbfgs' is not one of"),
    ("--fidelity half", "'half' is not one of"),
    ("--engine hspice", "'hspice' is not one of"),
    ("--opamp perfect", "'perfect' is not one of"),
    ("--activation relu", "'relu' is not one of"),
    ("--diode BAT41", "'BAT41' is not one of"),
    ("--n-mtj 0", "--n-mtj: input should be greater than or equal to 1"),
    ("--t-pass 1kHz", "--t-pass: wanted a number in s, such as '4.7k', got one in Hz"),
    ("--t-pass 0", "--t-pass: input should be greater than or equal to 0.0000001"),
    ("--t-aperture 2m", "simulation.t_aperture: wanted at most t_pass, 0.001 s, got 0.002 s"),
    ("--task iris --layers 2,2,1", "layers must start with 4 and end with 3"),
    ("--task xor --samples 3", "task xor: samples must be 4 to 4, got 3"),
    ("--samples 10000000000", "--samples: input should be less than or equal to 1000000"),
    ("--layers 2,99999999999,1", "--layers: wanted at most 100 layers and 10,000,000 weights"),
    ("--t-pass 1e30", "--t-pass: input should be less than or equal to 10"),
    ("--t-pass 1u", "simulation.t_pass: a pass of 1e-06 s ends before the circuit has settled"),
    ("--t-aperture 1e-30", "--t-aperture: input should be greater than or equal to 0.0000001"),
    ("--set circuit.opamp.gbw=1", "simulation.t_aperture: the circuit does not settle"),
    ("--set circuit.smtj.tmr=1e-300", "--set circuit.smtj.tmr: input should be greater"),
    ("--opamp macro --set circuit.v_dd=10m --set circuit.v_ss=-10m", "circuit: opamp.headroom"),
    ("--set circuit.smtj.critical_current=0", "--set circuit.smtj.critical_current: wanted not 0"),
    ("--set circuit.smtj.field=80m", "--set circuit.smtj.field: wanted less than the anisotropy"),
    ("--noise-file x.npy", "--noise-file: a recording is named, but the source is string"),
    ("--source hmm --n-mtj 4", "n_mtj: source hmm has no junctions, so 4 would do nothing"),
    ("--set seed=true", "--set seed: wanted a whole number, got"),
    ("--task iris --samples 149", "task iris: samples must be 3 to 147, got 149"),
    ("--preset paper-fig9", "'paper-fig9' is not one of 'paper-fig5'"),
    ("--set seed", "--set: wanted PATH=VALUE"),
    ("--set foo.bar=1", "--set foo.bar: no such parameter; there are seed, task"),
    ("--set circuit.opamp.gwb=1", "--set circuit.opamp.gwb: no such parameter; there are level"),
    (
        "--set circuit.opamp.gbw=-1",
        "--set circuit.opamp.gbw: input should be greater than or equal to 1",
    ),
    ("--set circuit.synapse.r_min=-5k", "--set circuit.synapse.r_min: input should be greater"),
    ("--set circuit.synapse.r_max=1k", "r_min must be below r_max, got 10000 and 1000"),
    ("--set circuit.activation.diode=1N41", "unknown diode '1N41', wanted one of HSMS-2850"),
    ("--set circuit=4", "--set circuit: wanted a section of parameters, got '4'"),
    ("--set circuit.opamp.headroom=1 --set circuit.v_dd=0.5 --set circuit.v_ss=-0.5", "no swing"),
    ("--set circuit.smtj.barrier_p=0.05", "a mean dwell of 6.91e-09 s is not resolved"),
    ("--set circuit.smtj.barrier_ap=3", "--set circuit.smtj.barrier_ap: input should be less"),
    ("--rule np --set learning.demean_inputs=true", "demean_inputs is for danp and anp"),
    ("--set learning.demean_inputs=true", "demean_inputs needs biases"),
    ("--config /does/not/exist.toml", "--config: cannot read /does/not/exist.toml: No such file"),
    ("--config .", "--config: cannot read .: Is a directory"),
    ("--out /proc/1/x", "--out: cannot write in /proc/1/x"),
    ("--no-such-option", "No such option '--no-such-option'"),
    ("stray", "Got unexpected extra argument (stray)"),
]


@pytest.mark.parametrize(("typed", "expected"), CASES, ids=[case for case, _ in CASES])
def test_wrong_input_gets_one_line_and_exit_code_2(
    typed: str, expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(typed.split()) == 2
    complaint = capsys.readouterr().err
    assert complaint.startswith("error: ")
    assert complaint.count("\n") == 1
    assert expected in complaint


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[task]\nepocs = 3\n", "run.toml: task.epocs: no such parameter; there are name, layers"),
        ("[task]\nepochs = 'many'\n", "run.toml: task.epochs: wanted a whole number, got"),
        ("[circuit.opamp]\nlevel = 'best'\n", "run.toml: circuit.opamp.level: input should be 'id"),
        ("[circuit.synapse]\nr_min = true\n", "run.toml: circuit.synapse.r_min: wanted a number"),
        (
            "[circuit.synapse]\nr_min = '4.7kV'\n",
            "wanted a number in Ω, such as '4.7k', got one in",
        ),
        ("x = [", "run.toml: is not TOML"),
        ("[task]\nlayers = [2, 0, 1]\n", "run.toml: task.layers: every layer needs at least one"),
        ("[task]\nlayers = []\n", "run.toml: task.layers: wanted inputs and at least one layer"),
        ("[task]\nlayers = [true, 1]\n", "run.toml: task.layers: wanted whole numbers, as in"),
        ("seed = true", "run.toml: seed: wanted a whole number, got True"),
        ("seed = " + "9" * 5000, "run.toml: is not TOML"),
        ("x = " + "[" * 5000, "run.toml: is not TOML"),
        ("'a\\nb' = 1", "no such parameter"),
        ("task = 3", "run.toml: task: wanted a section of parameters, got 3"),
        (b"\xff\xfe\x00", "run.toml: is not UTF-8 text, wanted a TOML file"),
    ],
)
def test_wrong_config_names_file_and_place(
    text: str | bytes, expected: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "run.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    assert run(["--config", str(path)]) == 2
    complaint = capsys.readouterr().err
    assert complaint.count("\n") == 1
    assert expected in complaint


def test_a_folder_with_a_run_is_left_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "config.toml").write_text("precious", encoding="utf8")
    assert run(["--out", str(tmp_path), "--epochs", "1"]) == 2
    assert "is not empty" in capsys.readouterr().err
    assert [p.name for p in tmp_path.iterdir()] == ["config.toml"]
    assert (tmp_path / "config.toml").read_text(encoding="utf8") == "precious"


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("--layers 2,0,1", "every layer needs at least one unit"),
        ("--opamp perfect", "'perfect' is not one of"),
        ("--n-mtj 99", "99 is not in the range 1<=x<=64"),
        ("--out /does/not/exist/x.cir", "--out: cannot write /does/not/exist/x.cir: No such file"),
    ],
)
def test_build_command_likewise(
    typed: str, expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert build(typed.split()) == 2
    complaint = capsys.readouterr().err
    assert complaint.count("\n") == 1
    assert expected in complaint


def test_console_command_has_the_modules_commands(capsys: pytest.CaptureFixture[str]) -> None:
    assert danp_cosim(["run", "--layers", "2"]) == 2
    assert "--layers" in capsys.readouterr().err
    assert danp_cosim(["build", "--layers", "2,1", "--fidelity", "op"]) == 0
    assert ".subckt layer1" in capsys.readouterr().out
    assert danp_cosim(["no-such-command"]) == 2


def test_help_names_unit_and_default_of_every_option(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--help"]) == 0
    text = " ".join(capsys.readouterr().out.split())
    for option in ("--eta", "--t-pass", "--layers", "--opamp", "--n-mtj", "--seed", "--out"):
        described = re.search(rf"{option} .*?(?= --[a-z])", text)
        assert described is not None, option
        assert "[default: " in described.group(), option


def test_a_failure_while_settling_is_measured_keeps_deck_and_log() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "sim.run", "--set", "circuit.opamp.slew_rate=1e-200"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 3, done.stderr
    assert done.stderr.count("\n") == 1
    kept = re.search(r"deck and log kept as (\S+) and (\S+)", done.stderr)
    assert kept is not None
    assert all(Path(path).stat().st_size > 0 for path in kept.groups())


def test_missing_library_is_one_line_and_exit_code_2() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "sim.run", "--epochs", "1"],
        env=os.environ | {"NGSPICE_LIBRARY_PATH": "/does/not/exist.so"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr == "error: NGSPICE_LIBRARY_PATH: there is no file /does/not/exist.so\n"


STOPPED_IN_IMPORT = """
import importlib, signal, sys

class Stop:
    def find_spec(self, name, path=None, target=None):
        if name == sys.argv[2]:
            signal.raise_signal(signal.SIGINT)

signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored behind a shell's &
sys.meta_path.insert(0, Stop())
sys.exit(importlib.import_module(sys.argv[1]).main(sys.argv[3:]))
"""


@pytest.mark.parametrize(
    ("entry", "imported", "typed"),
    [("sim.run", "click", ()), ("sim.run", "numpy", ()), ("sim.cli", "numpy", ("run",))],
)
def test_ctrl_c_during_imports_is_one_line(
    entry: str, imported: str, typed: tuple[str, ...]
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", STOPPED_IN_IMPORT, entry, imported, *typed],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "error: stopped by Ctrl-C\n")


def test_divergence_is_one_line_and_leaves_what_was_learned(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    assert run(["--eta", "50", "--engine", "ideal", "--quiet", "--out", str(out)]) == 2
    complaint = capsys.readouterr().err
    assert re.fullmatch(r"error: training of ideal diverged in epoch \d+: .*--eta.*\n", complaint)
    assert (out / "summary.json").exists()


def test_failed_simulation_is_exit_code_3_and_keeps_deck_and_log(tmp_path: Path) -> None:
    out = tmp_path / "run"
    # So little slew current that its square is zero to ngspice, which then divides by it.
    impossible = "circuit.opamp.slew_rate=1e-200"
    done = subprocess.run(
        [
            *(sys.executable, "-m", "sim.run", "--out", str(out), "--t-aperture", "10u"),
            *("--fidelity", "full", "--set", impossible, "--quiet", "--no-erc"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 3, done.stderr
    assert done.stderr.count("\n") == 1
    assert "ngspice" in done.stderr
    assert (out / "failed.cir").exists()
    assert (out / "failed.log").exists()
    assert json.loads((out / "summary.json").read_text())["guards"]["all"]["failed"] == 1
