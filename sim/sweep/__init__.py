"""Sweeps: many runs of a design, on all cores or on a cluster, each computed once."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sim.sweep.sweeping import sweep as sweep  # says that it is for others

__all__ = ["sweep"]


def __getattr__(name: str) -> Any:
    """Import `sweep` when it is asked for: dask and xarray take a second."""
    if name != "sweep":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from sim.sweep.sweeping import sweep  # noqa: PLC0415  # as said

    return sweep
