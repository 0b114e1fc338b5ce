"""Whether a folder has what a run records for arrays: older ones have not."""

from sim import recorded as recording
from sim.report.blocks import Prose
from sim.results import Run

MISSING = Prose(
    f"The folder holds no {recording.NAME}, from which this section is made: the run is of an "
    "older version. Run it again to see it.",
    "note",
)


def recorded(run: Run) -> bool:
    """Whether `run.results` can be read."""
    return (run.path / recording.NAME).is_file()
