"""Bad input, whatever it is: one line, an exit code, no traceback, nothing left behind."""

import shutil
from pathlib import Path

import pytest
from bad_inputs import environment, files, options, recordings, runs, tables, toml, values
from bad_inputs.case import Case

from sim.attribute.command import main as attribute
from sim.cli import main as danp_cosim
from sim.run import main as run

pytestmark = pytest.mark.usefixtures("undrawn")

CASES = (
    *values.CASES,
    *toml.CASES,
    *options.CASES,
    *recordings.CASES,
    *files.CASES,
    *tables.CASES,
)


def tree(folder: Path) -> dict[str, bytes | None]:
    """All that lies below a folder, with what files hold."""
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in sorted(folder.rglob("*"))
    }


def require_one_line(complaint: str, expected: str) -> None:
    assert complaint.startswith("error: "), complaint
    assert complaint.endswith("\n")
    assert complaint.count("\n") == 1, complaint
    assert len(complaint) < 1100  # a line that a terminal shows without flooding
    assert all(c.isprintable() for c in complaint[:-1])
    assert expected in complaint


@pytest.mark.parametrize("case", CASES, ids=[f"{c.command}: {c.name}" for c in CASES])
def test_a_bad_input_is_one_line_and_leaves_nothing(
    case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    case.prepare(tmp_path)
    before = tree(tmp_path)
    assert danp_cosim([case.command, *case.arguments]) == 2
    require_one_line(capsys.readouterr().err, case.expected)
    assert tree(tmp_path) == before


@pytest.mark.parametrize("given", values.PLACES, ids=range(len(values.PLACES)))
def test_a_value_is_laid_to_the_option_that_gave_it(
    given: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["--set", given]) == 2
    assert capsys.readouterr().err.startswith(values.PLACES[given])


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a short finished run."""
    folder = tmp_path_factory.mktemp("finished") / "run"
    given = ["--layers", "2,1,1", "--epochs", "1", "--samples", "2", "--fidelity", "op"]
    assert run([*given, "--quiet", "--out", str(folder)]) == 0
    return folder


@pytest.mark.parametrize("damage", runs.DAMAGES, ids=[name for name, _, _ in runs.DAMAGES])
def test_a_damaged_run_is_one_line_and_stays_as_it_is(
    damage: tuple, finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, spoil, expected = damage
    folder = tmp_path / "run"
    shutil.copytree(finished, folder)
    spoil(folder)
    before = tree(tmp_path)
    assert attribute([str(folder), "--out", str(tmp_path / "out")]) == 2
    require_one_line(capsys.readouterr().err, expected)
    assert tree(tmp_path) == before


@pytest.mark.parametrize("case", environment.CASES, ids=[case.name for case in environment.CASES])
def test_an_environment_that_does_not_do(case: environment.Surroundings, tmp_path: Path) -> None:
    before = tree(tmp_path)
    done = environment.execute(case, tmp_path)
    assert done.returncode == case.code, done.stderr
    if case.expected:
        require_one_line(done.stderr, case.expected)
    else:
        assert not done.stderr
    if case.code == 2 and not case.finishes:
        assert tree(tmp_path) == before


def test_there_are_more_than_two_hundred_bad_inputs_and_each_is_another() -> None:
    keys = {(case.command, case.arguments, case.name) for case in CASES}
    assert len(keys) == len(CASES)
    assert len(CASES) + len(runs.DAMAGES) + len(environment.CASES) > 400
