"""Waveforms of consecutive passes: what ngspice found, over time."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import xarray as xr

Array = NDArray[np.float64]
Kind = Literal["input", "state", "noise", "pre", "output", "other"]

LONG_NAMES: Mapping[Kind, str] = {
    "input": "input voltage",
    "state": "state of a junction, 0 parallel, 1 antiparallel",
    "noise": "voltage of a noise source",
    "pre": "pre-activation",
    "output": "output of a hidden neuron",
    "other": "node voltage",
}
"""What a node of each kind shows, in words."""

_CURRENT = re.compile(r"i\((\w+)\)")


@dataclass(frozen=True)
class Waves:
    """Node voltages over time, from one transient of consecutive passes.

    Attributes:
        time: s, from the beginning of the transient, shape (T,).
        voltages: by the deck's name of the node, V, shape (T,); states of junctions go from 0 to 1.
        kinds: of each node.
        sampling_instants: end of each pass, s.
        passes: their numbers, from 1.
        engine: name and version of the simulator.
        title: what was simulated.
        flips: (beginning of the edge in s, source) of every jump of the noise, in order of time.
        currents: into the supplies' positive pins by name of their source, A, shape (T,).
    """

    time: Array
    voltages: Mapping[str, Array]
    kinds: Mapping[str, Kind]
    sampling_instants: tuple[float, ...]
    passes: tuple[int, ...]
    engine: str
    title: str
    flips: tuple[tuple[float, str], ...] = ()
    currents: Mapping[str, Array] = field(default_factory=dict)

    def of_kind(self, *kinds: Kind) -> dict[str, Array]:
        """Voltages of the nodes of some kinds, V, in the deck's order."""
        return {name: v for name, v in self.voltages.items() if self.kinds[name] in kinds}

    @property
    def passes_in_words(self) -> str:
        """As in `pass 12`, `passes 11 to 14`."""
        if not self.passes:
            return "no sampling instant"
        first, *others = self.passes
        return f"passes {first} to {others[-1]}" if others else f"pass {first}"

    def sampled(self, node: str) -> Array:
        """A node's voltage at the sampling instants, V, one a pass."""
        return np.interp(self.sampling_instants, self.time, self.voltages[node])

    def between(self, start: float, stop: float) -> "Waves":
        """The part of a window of time, with the passes that are sampled in it.

        Args:
            start: s.
            stop: s.

        Raises:
            ValueError: fewer than two time points are in there.
        """
        kept = (self.time >= start) & (self.time <= stop)
        if kept.sum() < 2:
            raise ValueError(
                f"wanted a window that holds two time points, within {self.time[0]:g} and "
                f"{self.time[-1]:g} s; got {start:g} to {stop:g} s"
            )
        pairs = zip(self.passes, self.sampling_instants, strict=True)
        inside = [(number, t) for number, t in pairs if start <= t <= stop]
        return replace(
            self,
            time=self.time[kept],
            voltages={name: v[kept] for name, v in self.voltages.items()},
            currents={name: i[kept] for name, i in self.currents.items()},
            passes=tuple(number for number, _ in inside),
            sampling_instants=tuple(t for _, t in inside),
            flips=tuple(flip for flip in self.flips if start <= flip[0] <= stop),
        )

    def to_dataset(self) -> "xr.Dataset":
        """As an xarray dataset.

        Returns:
            Dimension `time` (s); a variable per node by the deck's name, with `units`, `kind` and
            `long_name`; `i(…)` of supplies in A; `flip_time`(flip) and `flip_source`(flip). Its
            attributes are `sampling_instants`, `passes` (arrays), `engine` and `title`.
        """
        import xarray as xr  # noqa: PLC0415  # most of a second, for those who ask only

        variables: dict[str, xr.DataArray] = {}
        for name, volts in self.voltages.items():
            kind = self.kinds[name]
            units = "1" if kind == "state" else "V"
            about = {"units": units, "kind": kind, "long_name": LONG_NAMES[kind]}
            variables[name] = xr.DataArray(volts, dims="time", attrs=about)
        for name, amperes in self.currents.items():
            about = {"units": "A", "kind": "current", "long_name": "current into a supply"}
            variables[current_name(name)] = xr.DataArray(amperes, dims="time", attrs=about)
        times = np.array([time for time, _ in self.flips], dtype=np.float64)
        sources = np.array([source for _, source in self.flips], dtype=object)
        variables["flip_time"] = xr.DataArray(
            times, dims="flip", attrs={"units": "s", "long_name": "beginning of a flip's edge"}
        )
        variables["flip_source"] = xr.DataArray(
            sources, dims="flip", attrs={"long_name": "source that flips"}
        )
        return xr.Dataset(
            variables,
            coords={"time": ("time", self.time, {"units": "s", "long_name": "time"})},
            attrs={
                "sampling_instants": np.array(self.sampling_instants, dtype=np.float64),
                "passes": np.array(self.passes, dtype=np.int32),
                "engine": self.engine,
                "title": self.title,
            },
        )

    @classmethod
    def from_dataset(cls, dataset: "xr.Dataset") -> "Waves":
        """What `to_dataset` gave.

        Raises:
            ValueError: it is something else.
        """
        try:
            names = [str(name) for name in dataset.data_vars if dataset[name].dims == ("time",)]
            kinds = {name: dataset[name].attrs["kind"] for name in names}
            waves = {name: dataset[name].to_numpy() for name in names}
            flips = zip(
                dataset["flip_time"].to_numpy().tolist(),
                map(str, dataset["flip_source"].to_numpy().tolist()),
                strict=True,
            )
            return cls(
                time=dataset["time"].to_numpy(),
                voltages={n: wave for n, wave in waves.items() if kinds[n] in get_args(Kind)},
                kinds={name: kind for name, kind in kinds.items() if kind in get_args(Kind)},
                sampling_instants=_floats(dataset.attrs["sampling_instants"]),
                passes=tuple(int(p) for p in _floats(dataset.attrs["passes"])),
                engine=dataset.attrs["engine"],
                title=dataset.attrs["title"],
                flips=tuple(flips),
                currents={
                    found[1]: waves[name] for name in names if (found := _CURRENT.fullmatch(name))
                },
            )
        except KeyError as error:
            raise ValueError(f"holds no waveforms: {error} is missing") from None


def current_name(source: str) -> str:
    """The current of a source as raw files and datasets name it."""
    return f"i({source})"


def _floats(values: Sequence[float] | float) -> tuple[float, ...]:
    # Files keep one number as such, not as an array of one.
    return tuple(np.atleast_1d(np.asarray(values, dtype=np.float64)).tolist())
