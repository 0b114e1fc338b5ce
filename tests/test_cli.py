"""`danp-cosim`: its sub-commands are listed without being imported, and imported when asked for."""

import subprocess
import sys
from pathlib import Path

import click
import pytest

from sim.cli import main
from sim.subcommands import SUBCOMMANDS, commands

ROOT = Path(__file__).parents[1]
HEAVY = {"PySpice", "circuits", "matplotlib", "numpy", "scipy", "torch"}


def python(code: str, *folders: Path) -> subprocess.CompletedProcess[str]:
    """Run a script in which the folders' packages come first."""
    paths = [*map(str, folders), str(ROOT)]
    return subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path[:0] = {paths}\n{code}"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def broken(folder: Path, package: str) -> Path:
    (folder / package).mkdir(parents=True)
    (folder / package / "__init__.py").write_text(f"raise ImportError('{package} is broken')\n")
    return folder


def test_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    listed = capsys.readouterr().out.split("Commands:")[1]
    for name in ("run", "noise", "characterize", "attribute", "build", "doctor"):
        assert f"\n  {name} " in listed, name
    assert commands.list_commands(click.Context(commands)) == [*SUBCOMMANDS, "doctor"]


@pytest.mark.parametrize("name", ["run", "noise", "build"])
def test_a_listed_summary_is_how_the_commands_own_help_begins(name: str) -> None:
    command = commands.get_command(click.Context(commands), name)
    assert command is not None
    assert " ".join((command.help or "").split()).startswith(SUBCOMMANDS[name].summary)


@pytest.mark.parametrize("typed", [["--help"], ["--version"], [], ["no-such-command"]])
def test_help_imports_no_heavy_package(typed: list[str]) -> None:
    done = python(
        f"from sim.cli import main\nmain({typed})\n"
        f"print('imported:', *sorted({HEAVY} & {{m.split('.')[0] for m in sys.modules}}))"
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1].strip() == "imported:"


def test_no_command_and_an_unknown_one_are_wrong_input(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert "Commands:" in capsys.readouterr().out
    assert main(["no-such-command"]) == 2
    complaint = capsys.readouterr().err
    assert complaint == "error: No such command 'no-such-command'. See danp-cosim --help.\n"


@pytest.mark.parametrize(
    ("package", "begins"), [("numpy", "error: run: numpy is broken"), ("click", "error: click is")]
)
def test_a_broken_package_is_one_line_that_names_the_doctor(
    package: str, begins: str, tmp_path: Path
) -> None:
    done = python(
        "from sim.cli import main\nsys.exit(main(['run', '--epochs', '1']))",
        broken(tmp_path, package),
    )
    assert done.returncode == 1
    assert done.stderr.startswith(begins)
    assert done.stderr.endswith("danp-cosim doctor says what is missing\n")
    assert done.stderr.count("\n") == 1


def test_the_doctor_starts_without_any_package(tmp_path: Path) -> None:
    for package in ("click", "numpy", "rich"):
        broken(tmp_path, package)
    done = python("from sim.cli import main\nsys.exit(main(['doctor', '--help']))", tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("usage: danp-cosim doctor ")


def test_the_group_hands_the_doctor_its_options(capsys: pytest.CaptureFixture[str]) -> None:
    code = commands.main(
        ["doctor", "--no-such-option"], prog_name="danp-cosim", standalone_mode=False
    )
    assert code == 2
    assert "unrecognized arguments: --no-such-option" in capsys.readouterr().err
