"""What README and documentation say can be done, can be done."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from pydantic import BaseModel

from netlists.export import export
from sim.attribute.command import attribute
from sim.characterize.command import characterize
from sim.config import RunConfig
from sim.conformance.command import conformance
from sim.noise.command import noise
from sim.run_command import run
from sim.subcommands import commands

ROOT = Path(__file__).parents[1]
PAGES = (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md")))
COMMANDS: dict[str, click.Command] = {
    "python -m sim.run": run,
    "python -m sim.noise": noise,
    "python -m sim.characterize": characterize,
    "python -m sim.conformance": conformance,
    "python -m sim.attribute": attribute,
    "python -m netlists.build": export,
    "danp-cosim": commands,
}
BLOCK = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)")


def blocks(language: str) -> Iterator[tuple[str, str]]:
    for page in PAGES:
        for found, text in BLOCK.findall(page.read_text(encoding="utf8")):
            if found == language:
                yield page.name, text


def command_lines() -> Iterator[str]:
    for language in ("bash", "sh", "console"):
        for _, text in blocks(language):
            for line in text.splitlines():
                bare = line.removeprefix("$ ").strip()
                if bare.startswith(tuple(COMMANDS)):
                    yield bare


def require_parses(command: click.Command, arguments: list[str]) -> None:
    if arguments in (["--help"], ["--version"]):
        return
    context = command.make_context("documented", arguments, resilient_parsing=False)
    if isinstance(command, click.Group):
        _, sub, rest = command.resolve_command(context, [*context._protected_args, *context.args])
        assert sub
        require_parses(sub, rest)


@pytest.mark.parametrize("line", sorted(set(command_lines())))
def test_a_documented_command_is_one(line: str) -> None:
    start = next(name for name in COMMANDS if line.startswith(name))
    arguments = shlex.split(line.removeprefix(start), comments=True)
    require_parses(COMMANDS[start], arguments)
    # A path given to --set must be a parameter, too.
    for assignment in re.findall(r"--set (\S+?)=", line):
        # An exception is named by whoever makes it.
        path = re.sub(r"^(circuit\.exceptions)\.n\d+_\d+_[a-z]+\.\w+$", r"\1", assignment)
        assert path in dict(parameters(RunConfig()))


def test_there_are_documented_commands() -> None:
    assert len(set(command_lines())) >= 10


def test_make_targets_that_are_named_exist() -> None:
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {
        target
        for page in PAGES
        for target in re.findall(r"(?:^|`)make (\w+)", page.read_text(encoding="utf8"))
    }
    assert named - {"PYTHON"} <= targets  # PYTHON=… is a setting


@pytest.mark.parametrize("text", sorted({text for _, text in blocks("python")}))
def test_documented_python_runs(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    exec(compile(text, "documentation", "exec"), {})  # noqa: S102  # the project's own pages
    assert "in_loop: loss" in capsys.readouterr().out


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_inside_lead_somewhere(page: Path) -> None:
    for link in LINK.findall(BLOCK.sub("", page.read_text(encoding="utf8"))):
        if "://" in link:
            continue
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        assert target.exists(), f"{page.name}: {link}"
        if anchor:
            assert anchor in anchors(target), f"{page.name}: {link}"


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", h).strip().lower().replace(" ", "-") for h in headings}


def test_every_picture_shown_is_made_by_a_script() -> None:
    shown = {
        link.rpartition("/")[2]
        for page in PAGES
        for link in LINK.findall(page.read_text(encoding="utf8"))
        if link.endswith(".png")
    }
    scripts = [*(ROOT / "examples").glob("*.py"), *(ROOT / "benchmarks").glob("*.py")]
    packages = [path.parent for path in (ROOT / "benchmarks").glob("*/__main__.py")]
    made = {f"{path.stem}.png" for path in (*scripts, *packages)}
    of_a_run = {f"run_{name}.png" for name in ("loss", "deviation", "waveforms", "waterfall")}
    of_studies = {f"study_{name}.png" for name in ("levels", "pace", "occupancy", "sharing")}
    of_sheets = {"sheet_activation.png"}
    assert shown <= made | of_a_run | of_studies | of_sheets


def test_readme_and_docs_tell_no_machine() -> None:
    for page in PAGES:
        text = page.read_text(encoding="utf8")
        assert not re.search(r"/(home|root|tmp|work|Users)/", text), page.name


def parameters(section: BaseModel, prefix: str = "") -> Iterator[tuple[str, str]]:
    """Path of every parameter, and its row in the reference."""
    for name, field in type(section).model_fields.items():
        value, path = getattr(section, name), f"{prefix}{name}"
        if isinstance(value, BaseModel):
            yield from parameters(value, f"{path}.")
        else:
            shown = "–" if value is None else f"`{shorten(value)}`"
            yield path, f"| `{path}` | {shown} | {field.description} |"


def shorten(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)


def test_the_reference_lists_every_parameter_with_its_default() -> None:
    page = (ROOT / "docs" / "reference.md").read_text(encoding="utf8")
    missing = [row for _, row in parameters(RunConfig()) if row not in page]
    assert not missing, "\n".join(missing)


def test_the_reference_lists_every_option() -> None:
    page = (ROOT / "docs" / "reference.md").read_text(encoding="utf8")
    parameters = (*run.params, *noise.params, *characterize.params, *attribute.params)
    options = {name for p in parameters for name in p.opts if name.startswith("--")}
    assert all(f"`{name}" in page for name in options - {"--help"})
