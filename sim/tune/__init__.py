"""Tuning: parameters searched for the least loss or energy, the winner judged in ngspice."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sim.tune.tuning import tune as tune  # says that it is for others

__all__ = ["tune"]


def __getattr__(name: str) -> Any:
    """Import `tune` when it is asked for: optuna and dask take a second."""
    if name != "tune":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from sim.tune.tuning import tune  # noqa: PLC0415  # as said

    return tune
