"""What is left of a failed simulation: its deck, and what the simulator said."""

import tempfile
from collections.abc import Iterable
from pathlib import Path

DECK, LOG = "failed.cir", "failed.log"
"""Names of the two files."""


def keep_evidence(deck: str, log: Iterable[str], folder: Path | None = None) -> str:
    """Write a deck and a log, for a failure's message.

    Args:
        deck: that failed.
        log: lines of the simulator.
        folder: where to; a temporary one by default.

    Returns:
        Where they are, in words.
    """
    folder = folder or Path(tempfile.mkdtemp(prefix="danp-cosim-"))
    folder.mkdir(parents=True, exist_ok=True)
    kept, said = folder / DECK, folder / LOG
    kept.write_text(deck, encoding="utf8")
    said.write_text("\n".join(log) + "\n", encoding="utf8")
    return f"deck and log kept as {kept} and {said}"
