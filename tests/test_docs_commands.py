"""Every command and every piece of Python in the README and the documentation is executed.

A page's blocks run in order in a folder of their own that holds what they name. Commands run as
they stand, with options appended that make them small: of two options the later one counts. What is
not executed here is on a closed list that says what executes it instead. Where a page shows what a
command prints, the words it shows are printed.
"""

import re
import runpy
import shlex
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest
from conftest import sketched
from documented import (
    PAGES,
    SHELL,
    Block,
    Command,
    blocks_in,
    blocks_of,
    command_from,
    commands_in,
    commands_of,
    page_name,
    pages_with_code,
)
from documented_folder import Furnisher
from documented_how import (
    CALLED,
    NOT_PRINTED_HERE,
    SMALLER,
    elsewhere,
    is_known,
    name_of,
    small,
)
from sweep_stand_ins import Inline

from sim.cli import main as danp_cosim
from sim.subcommands import SUBCOMMANDS
from sim.sweep import sweeping
from sim.sweep.running import Runner
from sim.sweep.task import compute
from sim.tune import tuning

if TYPE_CHECKING:
    from distributed import Client


def execute(words: tuple[str, ...], folder: Path) -> int:
    """Run a command in the folder that is the working folder.

    Args:
        words: of the command.
        folder: the working folder, where scripts that a page shows are.

    Returns:
        Its exit code.
    """
    if words[0] == "danp-cosim":
        return danp_cosim(words[1:])
    if words[:2] == ("python", "-m"):
        return run_python(words[3:], lambda: runpy.run_module(words[2], run_name="__main__"))
    if words[0] == "python":
        script = str(folder / words[1])
        return run_python(words[2:], lambda: runpy.run_path(script, run_name="__main__"))
    done = subprocess.run(words, capture_output=True, text=True, timeout=120, check=False)
    assert "error" not in (done.stdout + done.stderr).lower(), done.stdout + done.stderr
    return done.returncode


def run_python(arguments: tuple[str, ...], start: Callable[[], object]) -> int:
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        # The module is imported already, and runs a second time under the name of a program.
        warnings.filterwarnings("ignore", "'.*' found in sys.modules after import", RuntimeWarning)
        patch.setattr(sys, "argv", ["documented", *arguments])
        try:
            start()
        except SystemExit as done:
            return int(done.code or 0)
    return 0


def written_by(command: Command) -> str | None:
    """The file or folder that a command names for what it writes."""
    if "--help" in command.words:
        return None
    into_the_run = command.arguments[0] if name_of(command) == "waves" else None
    return command.after("--out", "-o") or into_the_run


# A prompt with a command of this package, and what follows up to the next.
TRANSCRIPT = re.compile(r"^\$ ((?:python -m|danp-cosim) .+)\n((?:(?!\$ ).*\n)*)", re.MULTILINE)


@dataclass(frozen=True)
class Shown:
    """Commands, and what a page says they print."""

    commands: tuple[Command, ...]
    text: str


Step = Block | Command | Shown


def steps(page: Path) -> Iterator[Step]:
    """What is to be done on a page, in order: commands, Python, and files that it shows."""
    for block in blocks_of(page):
        if block.language in SHELL:
            commands = tuple(commands_in(block))
            shown = block.output and not block.output.startswith("$ ")
            yield from (Shown(commands, block.output or ""),) if shown else commands
        elif block.language == "text":
            for line, text in TRANSCRIPT.findall(block.text):
                yield Shown((command_from(line),), text)
        elif block.language == "python" or block.title:
            yield block


def key(step: Step) -> object:
    if isinstance(step, Command):
        return small(step)
    return step.text if isinstance(step, Block) else step


def first_pages() -> dict[object, Path]:
    """The first page on which each step is."""
    found: dict[object, Path] = {}
    for page in pages_with_code():
        for step in steps(page):
            found.setdefault(key(step), page)
    return found


FIRST = first_pages()


def is_done_before(step: Step, page: Path) -> bool:
    """Whether an earlier page does the same, and this page needs nothing of what it writes."""
    if isinstance(step, Shown):
        return False
    if isinstance(step, Block):
        return step.title is None and FIRST[key(step)] != page
    return FIRST[key(step)] != page and written_by(step) is None


def masked(text: str) -> str:
    """A text without its numbers and its spacing, which are other on other machines."""
    return " ".join(re.sub(r"[-+]?\d[\d.,]*(e[-+]?\d+)?", "#", text).split())


def words(text: str) -> set[str]:
    """The words of a text, of three letters or more; neither numbers nor units."""
    return set(re.findall(r"[^\W\d_]{3,}", text))


def unprinted(shown: str, printed: str) -> dict[str, set[str]]:
    """What a page shows and a command does not print: words that are nowhere, by line."""
    found = {line: words(line) - words(printed) for line in shown.splitlines()}
    return {line: missing for line, missing in found.items() if missing}


DRAWN = "docs/first-ten-minutes.md"
"""The page whose figures are drawn as users get them; they are half of the time of a small run."""


@pytest.fixture(scope="session")
def furnisher(tmp_path_factory: pytest.TempPathFactory) -> Furnisher:
    return Furnisher(tmp_path_factory.mktemp("documented"))


@pytest.mark.parametrize("page", pages_with_code(), ids=page_name)
def test_what_a_page_says_can_be_done(
    page: Path,
    furnisher: Furnisher,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    for module in (sweeping, tuning):  # workers take seconds to start, and have tests of their own
        monkeypatch.setattr(module, "open_runner", in_this_process)
    with nullcontext() if page_name(page) == DRAWN else sketched():
        follow(page, tmp_path, furnisher, capsys)


def in_this_process(*_: object) -> AbstractContextManager[Runner]:
    return nullcontext(Runner(cast("Client", Inline(compute)), "this process"))


def follow(
    page: Path, tmp_path: Path, furnisher: Furnisher, capsys: pytest.CaptureFixture[str]
) -> None:
    """Do all that a page says, in the folder that is the working folder."""
    for step in steps(page):
        if is_done_before(step, page):
            continue
        if isinstance(step, Command):
            do(step, tmp_path, furnisher)
        elif isinstance(step, Shown):
            capsys.readouterr()
            for command in step.commands:
                do(command, tmp_path, furnisher, fails=step.text.startswith("error: "))
                if command.line in CALLED:
                    do(command_from(CALLED[command.line]), tmp_path, furnisher)
            printed = "".join(capsys.readouterr())
            assert not unprinted(step.text, printed + NOT_PRINTED_HERE.get(page_name(page), ""))
        elif step.title:
            (tmp_path / step.title).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / step.title).write_text(step.text)
        else:
            furnisher.furnish(tmp_path, re.findall(r"[\"']([\w/.-]+)[\"']", step.text))
            capsys.readouterr()
            exec(compile(step.text, page_name(page), "exec"), {"__name__": "__main__"})  # noqa: S102  # the project's own pages
            printed = capsys.readouterr().out
            assert step.output is None or masked(printed) == masked(step.output)


def do(command: Command, folder: Path, furnisher: Furnisher, *, fails: bool = False) -> None:
    how = elsewhere(command)
    if how is not None:
        assert how.holds(command), f"{command.line}: said to be executed by {how.executed_by}"
        return
    assert is_known(command), f"{command.line}: how is this executed?"
    call = small(command)
    furnisher.furnish(folder, call)
    assert execute(call, folder) == (2 if fails else 0), shlex.join(call)
    written = written_by(command)
    assert fails or written is None or Path(written).exists(), shlex.join(call)


def test_no_command_is_left_out() -> None:
    everything = [command for page in PAGES for command in commands_of(page)]
    assert len(everything) > 40
    unknown = [command.line for command in everything if not is_known(command)]
    assert not unknown, f"how is this executed? {unknown}"


def test_every_command_of_the_package_is_documented() -> None:
    shown = {name_of(command) for page in PAGES for command in commands_of(page)}
    assert {*SUBCOMMANDS, "doctor"} <= shown
    assert set(SMALLER) <= shown


@pytest.mark.parametrize(
    ("text", "program"),
    [
        ("```bash\ncurl x | sh\n```\n", "curl"),
        ("```console\n$ git push\ndone\n```\n", "git"),
        ("```sh\npython -m sim.telepathy \\\n  --now  # at once\n```\n", "python -m sim.telepathy"),
    ],
)
def test_a_command_that_nobody_executes_is_noticed(text: str, program: str) -> None:
    (command,) = commands_in(blocks_in(text)[0])
    assert command.program == program
    assert not is_known(command)
    assert "--now" not in text or command.words[-1] == "--now"


def test_a_word_that_nothing_prints_is_noticed() -> None:
    printed = "deviation ngspice - ideal  layer 1: rms 0.2 V\n"
    assert not unprinted("deviation ngspice - ideal  layer 1: rms 64.8 mV\n", printed)
    assert unprinted("rms 3\nrms 4 over nodes", printed) == {"rms 4 over nodes": {"over", "nodes"}}


def test_every_prompt_of_a_transcript_is_executed() -> None:
    text = (
        "$ python -m sim.run --t-pass 2u\nerror: a\n  b\n\n$ danp-cosim doctor\nok\n$ ngspice\nc\n"
    )
    assert TRANSCRIPT.findall(text) == [
        ("python -m sim.run --t-pass 2u", "error: a\n  b\n\n"),
        ("danp-cosim doctor", "ok\n"),
    ]


def test_output_is_compared_by_its_words() -> None:
    assert masked("in_loop: loss 4.6e-06 V², 100%\n") == masked("in_loop: loss 0.1 V², 98%")
    assert masked("in_loop: loss 4.6e-06 V²") != masked("in_loop: loss 4.6e-06 mV²")
