"""A sweep's TOML file as it stands."""

import tomllib
from pathlib import Path
from typing import Any

from sim.errors import UserError


def read_tree(path: Path) -> dict[str, Any]:
    """What a sweep's TOML file holds, its files' paths made such that they hold from anywhere.

    Raises:
        UserError: it cannot be read, or is no TOML.
    """
    try:
        tree = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise UserError(f"{path}: cannot read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UserError(f"{path}: is not UTF-8 text, wanted a TOML file of a sweep") from None
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path}: is not TOML: {error}") from None
    for name in ("config", "store"):
        if isinstance(tree.get(name), str):
            tree[name] = str(path.parent / tree[name])
    return tree
