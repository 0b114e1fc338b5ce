"""The viewer's places."""

from collections.abc import Sequence

from sim.report.blocks import Part, Prose, Section, Waveforms
from sim.report.waveform_view import waveform_payload
from sim.results import Run


def section(runs: Sequence[Run]) -> Section | None:
    """A viewer for each run that has waveforms; nothing where none has."""
    payloads = [waveform_payload(run) for run in runs]
    parts = tuple(
        Part(k, (Waveforms(k, payload),))
        for k, payload in enumerate(payloads)
        if payload is not None
    )
    if not parts:
        return None
    return Section(
        "waveforms",
        "Waveforms",
        "Waveforms",
        shared=(Prose("Node voltages over a pair of passes of one test sample, by ngspice."),),
        parts=parts,
        wide=True,
    )
