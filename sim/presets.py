"""Named settings, each with its source."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any


@dataclass(frozen=True)
class Preset:
    """Settings under a name.

    Attributes:
        source: where they come from.
        settings: a tree as in a configuration file.
    """

    source: str
    settings: Mapping[str, Any]


PRESETS: Mapping[str, Preset] = MappingProxyType(
    {
        "paper-fig5": Preset(
            "Koenders et al., arXiv 2412.12783, Fig. 5 and Appendix B: bench network 2-2-2-1, "
            "100 epochs of 100 samples",
            {
                "task": {
                    "name": "teacher",
                    "layers": "2,2,2,1",
                    "samples": 100,
                    "epochs": 100,
                    "batch": 1,
                },
                "learning": {
                    "rule": "danp",
                    "eta": 1e-3,
                    "decor_rate": 1e-4,
                    "optimizer": "sgd",
                    "biases": False,
                },
            },
        ),
        "paper-hmm": Preset(
            "Koenders et al., arXiv 2412.12783, Appendix A: a two-state hidden Markov chain at "
            "every node, fitted to one measured junction",
            {
                "circuit": {
                    "noise": {
                        "source": "hmm",
                        "hmm": {
                            "level_high": 48.0237194e-3,
                            "level_low": 36.1604886e-3,
                            "flip_up": 0.0809,
                            "flip_down": 0.0809,
                            "observation_noise": 0.90841466e-3,
                            "sample_time": 25e-6,
                        },
                    }
                }
            },
        ),
        "ideal-parts": Preset(
            "what the mathematics assumes: ideal op-amps and diodes, no largest resistor",
            {
                "circuit": {
                    "opamp": {"level": "ideal"},
                    "activation": {"diode": "ideal"},
                    "synapse": {"r_max": float("inf")},
                },
            },
        ),
    }
)
