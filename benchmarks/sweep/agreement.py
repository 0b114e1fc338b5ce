"""Whether all ways find the same: figures of every point, and the files that it leaves."""

import hashlib
from pathlib import Path

from benchmarks.sweep.ways import Found
from sim.sweep.store import NAME, Store

Traces = dict[str, str]
"""A digest of all that a point left, by its key."""


def trace(found: Found, folder: Path) -> Traces:
    """Digests of what points left, without the seconds that they took.

    Covers state, reason and figures, and the bytes of every file but two: `point.json`, which
    holds the same and the seconds, and `summary.json`, which holds times as well.

    Args:
        found: what became of the points.
        folder: their store.
    """
    store, traces = Store(folder), {}
    for key, measured in found.items():
        digest = hashlib.sha256()
        told = measured.to_dict()
        told.pop("seconds")
        digest.update(repr(told).encode())
        for path in sorted(store.path_of(key).iterdir()):
            if path.name not in (NAME, "summary.json"):
                digest.update(path.name.encode() + path.read_bytes())
        traces[key] = digest.hexdigest()
    return traces


def differing(traces: Traces, others: Traces) -> list[str]:
    """Keys of points that two ways do not agree on, also where one of them lacks a point."""
    keys = {**traces, **others}
    return [key for key in keys if traces.get(key) != others.get(key)]
