"""How to install what is missing, system by system; the names are those of scripts/setup.sh."""

import os
import shlex
import shutil
import sys

_SYSTEMS = (
    ("apt-get", "Debian, Ubuntu", "apt install", "apt install --reinstall"),
    ("dnf", "Fedora", "dnf install", "dnf reinstall"),
    ("brew", "macOS", "brew install", "brew reinstall"),
)
_PACKAGES = {
    "program": ("ngspice", "ngspice", "ngspice"),
    "library": ("libngspice0", "libngspice", "libngspice"),
    # With Debian the library comes without them.
    "code models": ("ngspice", "ngspice", "ngspice libngspice"),
}


def system_package(part: str, *, again: bool = False) -> tuple[str, ...]:
    """Commands that install a part of ngspice: this system's, or all where it is none of them.

    Args:
        part: program, library or code models.
        again: it is there, but broken.
    """
    known = [shutil.which(manager) is not None for manager, *_ in _SYSTEMS]
    return tuple(
        f"{name}: {_as_root(manager)}{reinstall if again else install} {package}"
        for (manager, name, install, reinstall), package, here in zip(
            _SYSTEMS, _PACKAGES[part], known, strict=True
        )
        if here or not any(known)
    )


def python_package(requirement: str, *options: str) -> str:
    """Command that installs a package into this Python."""
    return shlex.join([sys.executable or "python", "-m", "pip", "install", *options, requirement])


def _as_root(manager: str) -> str:
    return "" if manager == "brew" or os.geteuid() == 0 else "sudo "
