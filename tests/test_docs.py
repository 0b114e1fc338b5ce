"""What README and documentation say can be done, can be done."""

import ast
import contextlib
import importlib
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import click
import numpy as np
import pytest
import yaml
from documented import (
    BLOCK,
    LINK,
    PAGES,
    ROOT,
    SHELL,
    Command,
    blocks_of,
    command_from,
    commands_of,
    inline_of,
    page_name,
)
from documented_folder import Furnisher
from documented_how import name_of
from pydantic import BaseModel

from learning import Activation
from sim.config import RunConfig
from sim.run_command import OPTIONS, SWITCHES, run
from sim.scale import ScaleConfig
from sim.settings import load_config
from sim.subcommands import SUBCOMMANDS, commands
from sim.sweep.paths import full_path
from sim.sweep.planning import read_plan as sweep_of
from sim.task_data import plan_task
from sim.tune.plan_file import read_plan as study_of

ELSEWHERE = {"build": "netlists.build", "train": "learning.train"}
"""Modules of sub-commands that are not `sim.` and the name."""
COMMANDS: dict[str, click.Command] = {
    **{
        f"python -m {ELSEWHERE.get(name, f'sim.{name}')}": getattr(
            importlib.import_module(one.module), one.name
        )
        for name, one in SUBCOMMANDS.items()
    },
    "danp-cosim": commands,
}
CODE = re.compile(r"`((?:[\w-]+/)+\w+\.py)(?::([\w.]+))?`")
LANGUAGES = {"", "text", "toml", "csv", "spice", "diff", "json", "python", *SHELL, "shell"}


def program(command: Command) -> str | None:
    return next((name for name in COMMANDS if command.line.startswith(name)), None)


def in_blocks() -> dict[str, Command]:
    found = (command for page in PAGES for command in commands_of(page))
    return {command.line: command for command in found if program(command)}


def in_the_text() -> dict[str, Command]:
    found: dict[str, Command] = {}
    for page in PAGES:
        for line in inline_of(page):
            if "…" not in line and program(command_from(line)):
                found[line] = command_from(line)
    return found


def options_in_the_text() -> list[str]:
    """Options with their values that stand in sentences and tables without their command."""
    spans = {line for page in PAGES for line in inline_of(page) if re.match(r"--[\w-]+[ =]", line)}
    return sorted(spans)


def require_parses(command: click.Command, arguments: list[str]) -> None:
    if arguments in (["--help"], ["--version"]):
        return
    context = command.make_context("documented", arguments, resilient_parsing=False)
    if isinstance(command, click.Group):
        _, sub, rest = command.resolve_command(context, [*context._protected_args, *context.args])
        assert sub
        require_parses(sub, rest)


def require_is_one(command: Command) -> None:
    name = program(command) or ""
    require_parses(COMMANDS[name], list(command.words[len(name.split()) :]))
    # A path given to --set must be a parameter, too.
    for assignment in re.findall(r"--set (\S+?)=", command.line):
        # An exception is named by whoever makes it.
        path = re.sub(r"^(circuit\.exceptions)\.n\d+_\d+_[a-z]+\d?\.\w+$", r"\1", assignment)
        if name_of(command) in ("sweep", "tune"):  # which take endings of paths
            path = full_path(path)
        config = ScaleConfig() if name_of(command) == "train" else RunConfig()
        assert path in dict(parameters(config))


@pytest.mark.parametrize("line", sorted(in_blocks()))
def test_a_documented_command_is_one(line: str) -> None:
    require_is_one(in_blocks()[line])


@pytest.mark.parametrize("line", sorted(in_the_text()))
def test_a_command_in_the_text_is_one(line: str) -> None:
    # What is only named may leave out what it is given.
    with contextlib.suppress(click.MissingParameter, click.BadOptionUsage):
        require_is_one(in_the_text()[line])


def takes(command: click.Command, words: Sequence[str]) -> bool:
    """Whether a command knows all of these options, and their values where some are given."""
    known = {name for p in command.params for name in (*p.opts, *p.secondary_opts)}
    if not {word.partition("=")[0] for word in words if word.startswith("--")} <= known:
        return False
    if any(re.fullmatch(r"[A-Z_:=,…]+", word) for word in words):
        return True  # in capitals stands what is to be put there
    try:
        command.make_context("documented", list(words))
    except click.MissingParameter:
        return True
    except click.ClickException:
        return False
    return True


def is_of_a_script(words: Sequence[str]) -> bool:
    """Whether an example, a benchmark or `sim.doctor`, which click does not read, takes them."""
    scripts = [*(ROOT / "examples").glob("*.py"), *(ROOT / "benchmarks").rglob("*.py")]
    scripts += (ROOT / "sim" / "doctor").glob("*.py")
    texts = [path.read_text(encoding="utf8") for path in scripts]
    options = [f'"{word}"' for word in words if word.startswith("--")]
    return any(all(option in text for option in options) for text in texts)


@pytest.mark.parametrize("span", options_in_the_text())
def test_options_in_the_text_are_those_of_a_command(span: str) -> None:
    words = command_from(span.replace("<folder>", "FOLDER")).words
    taken = any(takes(command, words) for name, command in COMMANDS.items() if name != "danp-cosim")
    assert taken or is_of_a_script(words)


def test_options_that_no_command_takes_are_noticed() -> None:
    command = COMMANDS["python -m sim.run"]
    assert takes(command, ("--task", "table", "--data", "FILE"))
    assert not takes(command, ("--tusk", "table"))
    assert not takes(command, ("--task", "tabel"))
    assert not is_of_a_script(("--tusk", "table"))


def runs_in_the_text() -> list[str]:
    found = in_the_text().items()
    return sorted(line for line, command in found if name_of(command) == "run")


@pytest.mark.parametrize("line", [x for x in runs_in_the_text() if "--resume" not in x])
def test_a_run_in_the_text_can_be_planned(
    line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = in_the_text()[line]
    monkeypatch.chdir(tmp_path)
    Furnisher(tmp_path / ".store").furnish(tmp_path, command.words)
    given = run.make_context("documented", list(command.arguments)).params
    options = {one[1]: given[one[1].replace(".", "__")] for one in (*OPTIONS, *SWITCHES)}
    file, preset, assignments = (given[name] for name in ("config_file", "preset", "assignments"))
    config, make_data = plan_task(load_config(file, preset, options, assignments=assignments))
    if command.after("--data-dir"):  # of 40 pictures
        small = config.task.model_copy(update={"samples": 10, "test_samples": 10})
        config, make_data = plan_task(config.model_copy(update={"task": small}))
    inputs = make_data(np.random.default_rng(0), Activation()).train_inputs
    assert inputs.shape[1] == config.network.layers[0]


@pytest.mark.parametrize("page", [p for p in PAGES if "```toml" in p.read_text(encoding="utf8")])
def test_a_configuration_that_is_shown_can_be_loaded(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for block in blocks_of(page):
        if block.language == "toml":
            file = tmp_path / "shown.toml"
            file.write_text(block.text, encoding="utf8")
            if page.stem == "sweep":
                assert len(list(sweep_of(file).points())) > 1
            elif page.stem == "tune":
                assert "over" in study_of(file)
            else:
                assert load_config(file, None, {}) != RunConfig(), page_name(page)


def test_scripts_that_the_text_names_are_there() -> None:
    named = {
        (page_name(page), script)
        for page in PAGES
        for line in inline_of(page)
        for script in re.findall(r"^python (\S+\.py)", line)
    }
    assert len(named) > 5
    assert not [one for one in named if not (ROOT / one[1]).is_file()]


def test_blocks_are_of_languages_that_something_looks_at() -> None:
    for page in PAGES:
        for block in blocks_of(page):
            assert block.language in LANGUAGES, f"{page_name(page)}: {block.language}"
            # Commands in a tree that the page changes: tests/test_howtos.py executes them.
            assert block.language != "shell" or page.name == "new-activation-cell.md"


def test_make_targets_that_are_named_exist() -> None:
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {
        target
        for page in PAGES
        for target in re.findall(r"(?:^|`)make (\w+)", page.read_text(encoding="utf8"))
    }
    assert named - {"PYTHON"} <= targets  # PYTHON=… is a setting


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
    text = page.read_text(encoding="utf8")
    headings = re.findall(r"^#+ (.+)$", BLOCK.sub("", text), re.MULTILINE)
    names = {re.sub(r"[^\w\- ]", "", h).strip().lower().replace(" ", "-") for h in headings}
    packages = re.findall(r"^::: ([\w.]+)$", text, re.MULTILINE)
    return names | {name for package in packages for name in documented_names(package)}


def documented_names(package: str) -> Iterator[str]:
    """Names that mkdocstrings gives a heading: of modules and of what they define in public."""
    parts = package.split(".")
    files = [ROOT.joinpath(*parts).with_suffix(".py"), *ROOT.joinpath(*parts).rglob("*.py")]
    for path in files:
        if path.exists():
            module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
            yield from (f"{module}.{name}" for name in defined(path))


def defined(path: Path) -> set[str]:
    """What a file defines: functions, classes and their members, constants."""
    found: set[str] = set()

    def look(body: list[ast.stmt], prefix: str) -> None:
        for node in body:
            if isinstance(node, ast.ClassDef | ast.FunctionDef):
                found.add(prefix + node.name)
            if isinstance(node, ast.ClassDef):
                look(node.body, f"{prefix}{node.name}.")
            if isinstance(node, ast.Assign | ast.AnnAssign):
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                found.update(prefix + t.id for t in targets if isinstance(t, ast.Name))

    look(ast.parse(path.read_text(encoding="utf8")).body, "")
    return found


def code_names() -> list[tuple[str, str, str]]:
    """Every `file.py` and `file.py:name`, by page."""
    found = {
        (page_name(page), path, name)
        for page in PAGES
        for path, name in CODE.findall(BLOCK.sub("", page.read_text(encoding="utf8")))
    }
    return sorted(found)


def test_code_that_pages_name_is_there() -> None:
    names = code_names()
    assert len([name for _, _, name in names if name]) > 80
    for page, path, name in names:
        if page.startswith("docs/howto/") and not (ROOT / path).exists():
            continue  # a file that its reader is to make
        assert (ROOT / path).is_file(), f"{page}: {path}"
        assert not name or name in defined(ROOT / path), f"{page}: {path}:{name}"


def test_a_link_to_code_leads_to_the_name_it_shows() -> None:
    text = (ROOT / "docs" / "paper.md").read_text(encoding="utf8")
    links = re.findall(r"\[`([\w/]+)\.py:([\w.]+)`\]\(api/\w+\.md#([\w.]+)\)", text)
    assert len(links) > 15
    for path, name, anchor in links:
        assert f"{path.replace('/', '.')}.{name}" == anchor


def navigation(entries: object) -> Iterator[str]:
    if isinstance(entries, str):
        yield entries
    elif isinstance(entries, dict):
        for value in entries.values():
            yield from navigation(value)
    elif isinstance(entries, list):
        for entry in entries:
            yield from navigation(entry)


def test_every_page_can_be_reached_and_every_entry_is_a_page() -> None:
    text = (ROOT / "mkdocs.yml").read_text(encoding="utf8")
    listed = list(navigation(yaml.safe_load(text)["nav"]))
    pages = {path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md")}
    assert sorted(listed) == sorted(pages)


def test_every_picture_shown_is_made_by_a_script(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(ROOT / "examples")
    gallery = importlib.import_module("make_gallery")
    shown = {
        link.rpartition("/")[2]
        for page in PAGES
        for link in LINK.findall(page.read_text(encoding="utf8"))
        if link.endswith((".png", ".svg"))
    }
    made = [picture for maker in gallery.MAKERS.values() for picture in maker.pictures]
    assert len(set(made)) == len(made)
    assert shown <= set(made), sorted(shown - set(made))
    assert {path.name for path in (ROOT / "docs" / "images").iterdir()} == set(made)
    for maker in gallery.MAKERS.values():
        assert maker.script is None or (ROOT / maker.script).is_file()


def test_the_gallery_shows_every_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(ROOT / "examples")
    gallery = importlib.import_module("make_gallery")
    page = (ROOT / "docs" / "gallery.md").read_text(encoding="utf8")
    for maker in gallery.MAKERS.values():
        # A drawing may come as PNG beside its SVG.
        stems = {Path(picture).stem for picture in maker.pictures}
        assert all(f"](images/{stem}." in page for stem in stems), stems
        assert maker.script is None or f"`{maker.script}`" in page, maker.script


def test_a_picture_is_chosen_by_its_name_or_its_scripts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(ROOT / "examples")
    gallery = importlib.import_module("make_gallery")
    assert gallery.chosen(["run_loss.png", "run", "telegraph_noise"]) == ["run", "telegraph_noise"]
    assert gallery.chosen([]) == list(gallery.MAKERS)
    with pytest.raises(SystemExit, match="telegrph: no such picture or script; is it telegraph_no"):
        gallery.chosen(["telegrph"])


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


@pytest.mark.parametrize("name", SUBCOMMANDS)
def test_the_docs_tell_every_option(name: str) -> None:
    one = SUBCOMMANDS[name]
    command = getattr(importlib.import_module(one.module), one.name)
    options = {option for p in command.params for option in p.opts if option.startswith("--")}
    page = (ROOT / "docs" / "reference.md").read_text(encoding="utf8")
    module = ELSEWHERE.get(name, f"sim.{name}")
    sections = re.split(r"^## ", page, flags=re.MULTILINE)
    (own,) = (s for s in sections if s.partition("\n")[0].endswith(f"`{module}`"))
    assert not [o for o in options - {"--help"} if not re.search(rf"(?<![\w-]){o}(?![\w-])", own)]
