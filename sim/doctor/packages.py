"""Python and its packages, against what the installed distribution asks for."""

import platform
import re
import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, distribution, requires, version
from pathlib import Path
from typing import Any

from sim.doctor.child import ask, complaint
from sim.doctor.finding import Finding, one_line
from sim.doctor.remedies import python_package
from sim.doctor.requirement import Requirement, meets, parse_requirement

NAME = "danp-cosim"
OPTIONAL = {"neospice": "a second opinion on ngspice's results"}
_ROOT = Path(__file__).parents[2]


def look_at_python(timeout: float) -> Iterator[Finding]:
    """Python, this distribution, and each package that it requires.

    Args:
        timeout: of the packages' import, s.
    """
    project = _project_of_checkout()
    asked = [str(text) for text in project.get("dependencies", ())]
    python = str(project.get("requires-python", ""))
    try:
        installed = distribution(NAME)
    except PackageNotFoundError:
        itself = Finding(NAME, "wrong", "not installed", (_install_itself(),))
    else:
        itself = _judge_itself(installed.version, installed.requires or [], asked)
        # A checkout's own file wins: its code is what runs, however long ago it was installed.
        asked = asked or installed.requires or []
        python = python or installed.metadata["Requires-Python"] or ""
    yield _judge_python(python)
    yield itself
    required = _always(asked)
    raised = _import(required, timeout)
    for requirement in required:
        yield _judge(requirement, raised)


def look_at_options(timeout: float) -> Iterator[Finding]:
    """Packages that some things take, but no run needs.

    Args:
        timeout: of their import, s.
    """
    options = [Requirement(name, "", "") for name in OPTIONAL]
    raised = _import(options, timeout)
    for option in options:
        purpose = OPTIONAL[option.name]
        found = _version(option.name)
        if found is None:
            remedies = (python_package(option.name),)
            yield Finding(option.name, "note", f"not installed; {purpose}", remedies)
        elif raised[option.name]:
            broken = f"{found}, does not import: {raised[option.name]}; {purpose}"
            yield Finding(option.name, "note", broken)
        else:
            yield Finding(option.name, "ok", f"{found}; {purpose}")


def own_version() -> str | None:
    """Of the installed distribution; None where there is none."""
    return _version(NAME)


def _judge_python(wanted: str) -> Finding:
    found = f"{platform.python_version()}, {sys.executable}"
    if meets(platform.python_version(), wanted):
        return Finding("Python", "ok", f"{found}{_asked(wanted)}")
    remedies = (f"install Python {wanted} and make a virtual environment with it",)
    return Finding("Python", "wrong", f"{found}{_asked(wanted)}", remedies)


def _judge_itself(found: str, asked: Sequence[str], by_checkout: Sequence[str]) -> Finding:
    one, other = ({str(wanted) for wanted in _always(texts)} for texts in (asked, by_checkout))
    if other and one != other:
        differences = ", ".join(sorted(one ^ other))
        stale = f"{found}, installed before pyproject.toml changed: {differences}"
        return Finding(NAME, "note", stale, (_install_itself(),))
    return Finding(NAME, "ok", f"{found}, {_ROOT}")


def _always(texts: Sequence[str]) -> list[Requirement]:
    """Requirements that no extra guards."""
    wanted = [parse_requirement(text) for text in texts]
    return [requirement for requirement in wanted if "extra" not in requirement.condition]


def _project_of_checkout() -> dict[str, Any]:
    """What the pyproject.toml beside this package says of the project; empty without one."""
    path = _ROOT / "pyproject.toml"
    if not path.is_file():
        return {}
    project = tomllib.loads(path.read_text(encoding="utf8")).get("project", {})
    return project if project.get("name") == NAME else {}


def _import(wanted: Sequence[Requirement], timeout: float) -> dict[str, str]:
    """What each package's import raised, by the package's name; "" where it went well.

    One that takes the process down is the culprit; those after it get a process of their own.
    """
    raised: dict[str, str] = {}
    left = list(wanted)
    while left:
        told, outcome = ask("load-packages", *(one.module for one in left), timeout=timeout)
        reached = [one for one in left if one.module in told]
        raised |= {one.name: told[one.module] for one in reached}
        left = [one for one in left if one.module not in told]
        if left:
            culprit = left.pop(0)
            raised[culprit.name] = complaint(told, outcome)
    return raised


def _judge(requirement: Requirement, raised: Mapping[str, str]) -> Finding:
    name = requirement.name
    install = (python_package(str(requirement)),)
    found = _version(name)
    if found is None:
        return Finding(name, "wrong", f"not installed{_asked(requirement.wanted)}", install)
    again = (python_package(str(requirement), "--force-reinstall"),)
    try:
        if not meets(found, requirement.wanted):
            return Finding(name, "wrong", f"{found}{_asked(requirement.wanted)}", install)
    except ValueError as error:
        return Finding(name, "wrong", str(error), again)
    if raised[name]:
        first = ", ".join(sorted(one for one in _needs(name) if raised.get(one)))
        remedies = (f"mend {first} first",) if first else again
        return Finding(name, "wrong", f"{found}, does not import: {raised[name]}", remedies)
    return Finding(name, "ok", f"{found}{_asked(requirement.wanted)}")


def _needs(name: str) -> set[str]:
    """Packages that a package itself requires, as it spells their names."""
    texts = (text for text in requires(name) or () if "extra" not in text.partition(";")[2])
    # Others' metadata takes more forms than this project's.
    return {match.group() for text in texts if (match := re.match(r"[\w.-]+", text))}


def _version(name: str) -> str | None:
    try:
        # Broken metadata holds none, whatever the declared type.
        return one_line(version(name) or "unknown")
    except PackageNotFoundError:
        return None


def _asked(wanted: str) -> str:
    return f", wanted {wanted}" if wanted else ""


def _install_itself() -> str:
    if _project_of_checkout():
        return python_package(str(_ROOT), "-e")
    return f"install {NAME} again"
