"""How a run ended, in words."""

from dataclasses import dataclass

from sim.report.text import counted
from sim.results import Run

FINISHED, STOPPED, FAILED, DIVERGED = "finished", "stopped", "failed", "diverged"

_WORDS = {
    STOPPED: "Stopped after",
    FAILED: "A simulation failed after",
    DIVERGED: "Training diverged after",
}


@dataclass(frozen=True)
class Ending:
    """Of a run.

    Attributes:
        how: one of the four words above.
        failure: what failed, as the run said; empty where nothing did.
    """

    how: str
    failure: str


def ending_of(run: Run) -> Ending:
    """How a run ended; folders that do not say why count as stopped where they are not finished."""
    how = run.summary.get("ended") or (FINISHED if run.finished else STOPPED)
    return Ending(how, run.summary.get("failure") or "")


def told(run: Run) -> str:
    """One sentence on a run that is not finished."""
    summary = run.summary
    place = f"{summary['epochs']} of {counted(summary['epochs_asked'], 'epoch')}"
    scored = summary["loss"].get("ideal") is not None
    when = "while it was scored" if scored else "before it was scored"
    return f"{_WORDS[ending_of(run).how]} {place}, {when}."
