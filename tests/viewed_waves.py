"""Waveforms for the viewer's tests, with names that would do harm if they were more than text."""

from typing import Any

import numpy as np

from sim.waves.waves import Kind, Waves

STOP = 2e-3  # s, of two passes
HOSTILE = "x0_<img src=nowhere.png onerror=alert(1)></script>"


def waves(*, neurons: int = 2, points: int = 801) -> Waves:
    """A layer of so many neurons; junctions flip at times that differ from each other's."""
    time = np.linspace(0, STOP, points)
    volts, flips = {"x0_1": np.full(points, 0.3), HOSTILE: np.full(points, -0.6)}, []
    kinds: dict[str, Kind] = dict.fromkeys(volts, "input")
    for j in range(1, neurons + 1):
        flip = STOP * (0.1 + 0.8 * j / (neurons + 1))
        flips.append((flip, f"s1_{j}"))
        state = (time >= flip).astype(float)
        own: dict[Kind, tuple[str, Any]] = {
            "state": (f"s1_{j}", state),
            "noise": (f"xlayer1.z{j}", 0.16 + 0.12 * state),
            "pre": (f"a1_{j}", 0.1 * j + 0.012 * state + 1e-3 * np.sin(1e5 * time)),
            "output": (f"x1_{j}", 0.09 * j + 0.011 * state),
        }
        for kind, (name, wave) in own.items():
            volts[name], kinds[name] = wave, kind
    return Waves(time, volts, kinds, (STOP / 2, STOP), (1, 2), "ngspice 39", "a <b>", tuple(flips))
