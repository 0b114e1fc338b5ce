"""Sweeps made by hand, in the form that danp-cosim sweep leaves, with known answers inside."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from sim.explore.opened import Sweep
from sim.sweep.measures import DONE, MEASURES

GBW, TMR, ETA, DECOR = (
    "circuit.opamp.gbw",
    "circuit.smtj.tmr",
    "learning.eta",
    "learning.decor_rate",
)
UNITS = {GBW: "Hz", TMR: "1", ETA: "1", DECOR: "1", "circuit.noise.r_inject": "Ω"}


def dataset(
    sizes: Mapping[str, int],
    values: Mapping[str, Any],
    coordinates: Mapping[str, tuple[str, Sequence[Any]]],
    *,
    state: Any = DONE,
    reason: Any = "",
    deviate: tuple[Sequence[str], Any] | None = None,
) -> xr.Dataset:
    """A sweep's dataset.

    Args:
        sizes: of each dimension, in order.
        values: by measure; broadcast over all dimensions.
        coordinates: dimension and values by name.
        state: of points; broadcast.
        reason: likewise.
        deviate: names of parts, and deviates (chip, part).
    """
    over, shape = tuple(sizes), tuple(sizes.values())

    def whole(array: Any) -> Any:
        return np.broadcast_to(np.asarray(array), shape).copy()

    variables: dict[str, Any] = {}
    for name, one in MEASURES.items():
        unit = "V²" if one.unit == "of the loss" else one.unit
        attrs = {"units": unit, "long_name": one.long_name, "engine": one.engine}
        array = whole(values.get(name, np.nan)).astype(float)
        variables[name] = (over, array, attrs)
    keys = np.array([f"{k:064x}" for k in range(int(np.prod(shape)))]).reshape(shape)
    variables["state"] = (over, whole(state).astype(str))
    variables["reason"] = (over, whole(reason).astype(str))
    variables["key"] = (over, keys)
    coords = {
        name: ((dimension,), list(along), {"units": UNITS.get(name, "1"), "long_name": name})
        for name, (dimension, along) in coordinates.items()
    }
    if deviate is not None:
        names, array = deviate
        coords["part"] = (("part",), list(names), {})
        variables["deviate"] = (("chip", "part"), np.asarray(array, dtype=float), {"units": "1"})
    attrs = {
        "title": "a made sweep",
        "loss_name": "squared-error",
        "loss_unit": "V²",
        "engine": "ngspice",
        "twin": "ideal",
        "versions": json.dumps({"danp_cosim": "0.1.0", "ngspice": "39"}),
        "command": "danp-cosim sweep --vary opamp.gbw=0.3e6,1e6 --mc 8",
    }
    return xr.Dataset(variables, coords, attrs)


def write(folder: Path, data: xr.Dataset) -> Path:
    """A sweep's folder."""
    folder.mkdir(parents=True, exist_ok=True)
    data.to_netcdf(folder / "sweep.nc", engine="scipy")
    return folder


def opened(data: xr.Dataset) -> Sweep:
    """A sweep without its folder."""
    return Sweep(Path("made"), data)


def parts(count: int) -> list[str]:
    """Names of a circuit's parts with what is drawn of each, as many of each kind as asked."""
    quantities = ("a.v_offset", "a.gbw", "rf1.ratio", "dpos.ratio", "j1.tmr")
    names = [f"n1_{k}_{one}" for one in quantities for k in range(1, count + 1)]
    return [*names, *(f"w1_{k}_1_p.ratio" for k in range(1, count + 1))]


def rich(seed: int = 0, chips: int = 60, seeds: int = 3) -> xr.Dataset:
    """Two corners, chips and seeds, with one offset that matters, failures and divergences."""
    rng = np.random.default_rng(seed)
    names = parts(4)
    deviates = rng.normal(size=(chips, len(names)))
    base = np.array([-3.2, -2.4, -3.6])[:seeds]
    log_loss = (
        base[None, None, :]
        + 0.25 * np.abs(deviates[:, 0])[None, :, None]
        + 0.12 * deviates[:, 6][None, :, None]
        + np.array([0.0, 0.3])[:, None, None]
        + 0.08 * rng.normal(size=(2, chips, seeds))
    )
    state = np.full(log_loss.shape, DONE, dtype="U8")
    reason = np.full(log_loss.shape, "", dtype="U40")
    state[1, 3, 0], reason[1, 3, 0] = "failed", "pass 17: no convergence at 0.0012 s"
    state[1, 4, 0], reason[1, 4, 0] = "failed", "pass 1217: no convergence at 0.02 s"
    state[0, 5, :], reason[0, 5, :] = "diverged", "training diverged in epoch 3"
    return dataset(
        {"corner": 2, "chip": chips, "seed": seeds},
        {
            "in_loop": 10**log_loss,
            "transfer": 10 ** (log_loss + 0.7),
            "ideal": 10 ** base[None, None, :],
            "deviation": 0.05 + 0.01 * np.abs(deviates[:, 0])[None, :, None],
            "energy_per_pass": 17e-6,
            "settling": 3e-5,
        },
        {
            "corner": ("corner", ["nominal", "hot"]),
            "chip": ("chip", range(chips)),
            "seed": ("seed", range(seeds)),
        },
        state=state,
        reason=reason,
        deviate=(names, deviates),
    )


def grid(seed: int = 0, seeds: int = 5) -> xr.Dataset:
    """Two parameters of a grid and seeds: energy rises with one, loss falls with it."""
    rng = np.random.default_rng(seed)
    gbw, tmr = np.array([0.3e6, 1e6, 2.8e6, 10e6]), np.array([0.5, 1.0, 1.5])
    base = rng.normal(-3, 0.5, size=seeds)
    log_loss = (
        base
        - 0.8 * np.log10(gbw / 1e6)[:, None, None]
        + 0.5 * np.abs(tmr - 1.0)[None, :, None]
        + 0.1 * rng.normal(size=(4, 3, seeds))
    )
    state = np.full(log_loss.shape, DONE, dtype="U8")
    reason = np.full(log_loss.shape, "", dtype="U60")
    state[0, 2, :], reason[0, 2, :] = "failed", "the circuit does not settle within 0.0001 s"
    return dataset(
        {GBW: 4, TMR: 3, "seed": seeds},
        {
            "in_loop": 10**log_loss,
            "transfer": 10 ** (log_loss + 0.5),
            "ideal": 10**base,
            "deviation": 0.08 / np.sqrt(gbw / 1e6)[:, None, None],
            "energy_per_pass": (10e-6 + 4e-6 * np.log10(gbw / 1e5))[:, None, None]
            + 1e-6 * tmr[None, :, None],
            "settling": (30 / gbw)[:, None, None],
        },
        {
            GBW: (GBW, gbw.tolist()),
            TMR: (TMR, tmr.tolist()),
            "seed": ("seed", range(seeds)),
        },
        state=state,
        reason=reason,
    )


def drawn(seed: int = 0, count: int = 40) -> xr.Dataset:
    """Random draws of two parameters, of which the first alone does something."""
    rng = np.random.default_rng(seed)
    eta, r_inject = 10 ** rng.uniform(-2, 0, count), rng.normal(1e6, 1e5, count)
    loss = 10 ** (-3 - 0.6 * np.log10(eta) + 0.1 * rng.normal(size=count))
    return dataset(
        {"draw": count},
        {"in_loop": loss, "ideal": 1e-3, "deviation": 0.05 + 0.001 * rng.normal(size=count)},
        {
            ETA: ("draw", eta.tolist()),
            "circuit.noise.r_inject": ("draw", r_inject.tolist()),
            "draw": ("draw", range(count)),
        },
    )
