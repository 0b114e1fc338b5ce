"""Named settings of trainings at scale, each with its source, and the learning rates they imply.

Rates follow from rule, data and noise, so that `--preset fig4-mnist --rule bp` takes those of
backpropagation; whoever gives rates gets these.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from sim.presets import PRESETS as CIRCUIT_PRESETS
from sim.presets import Preset

_PAPER = "Koenders et al., arXiv 2412.12783"
_SAMPLE_TIME = 25e-6  # s, of the paper's chain and recording: 40 kHz


@dataclass(frozen=True)
class Rates:
    """Learning rates.

    Attributes:
        eta: η of the weights.
        decor_rate: ε of the decorrelation; only DANP has one.
    """

    eta: float
    decor_rate: float = 0.0


Rating = Callable[[str, str, bool], Rates]
"""Rates of a rule for data, with measured noise or simulated."""


@dataclass(frozen=True)
class ScalePreset(Preset):
    """Settings under a name, and rates for what is left out.

    Attributes:
        rates: of these settings.
        learned_mean: whether DANP learns an offset that takes the mean of layers' inputs away.
    """

    rates: Rating
    learned_mean: bool = False


def _halved(k: int) -> float:
    """0.1 · 2⁻ᵏ, the grid that the paper searched."""
    return 0.1 * 2.0**-k


# By (learner, data) the two exponents k: Table 1.
_TABLE_1: Mapping[tuple[str, str], tuple[int, int | None]] = {
    ("bp", "mnist"): (9, None),
    ("bp", "cifar10"): (14, None),
    ("bp", "cifar100"): (13, None),
    ("simulated", "mnist"): (11, 19),
    ("simulated", "cifar10"): (12, 19),
    ("simulated", "cifar100"): (12, 20),
    ("measured", "mnist"): (11, 19),
    ("measured", "cifar10"): (12, 19),
    ("measured", "cifar100"): (10, 14),
}


def table_1(rule: str, data: str, measured: bool) -> Rates:
    """Rates of the paper's Table 1.

    It has DANP and BP alone: ANP and NP take DANP's η. Data that it has not take MNIST's.

    Args:
        rule: danp, anp, np or bp.
        data: a `DataName`.
        measured: whether the noise is a recording.
    """
    learner = "bp" if rule == "bp" else "measured" if measured else "simulated"
    eta, decor = _TABLE_1.get((learner, data)) or _TABLE_1[learner, "mnist"]
    return Rates(_halved(eta), _halved(decor) if rule == "danp" and decor is not None else 0.0)


# Found by a search of DANP, 784-500-500-500-10 on MNIST, fresh noise as strong as the strings' at
# every node. One seed each, test accuracy after 20 epochs: 0.963, falling linearly; at a constant
# rate 0.950 with η 3e-4 and with 2e-4. Falling from 1e-3: 0.963 too. After 10 epochs at constant
# rates: 0.943 (η 5e-4, ε 1e-5), 0.931 (ε 1e-4), 0.898 (ε 1e-3), and ε 1e-2 diverges.
_OWN = {
    "danp": Rates(5e-4, 1e-5),
    "anp": Rates(5e-4),
    "np": Rates(5e-4),
    "bp": Rates(1e-3),
}
# Digits are few and small. One seed each at a constant rate, test accuracy: 64-32-10, 15 epochs,
# 0.97 (falling linearly 0.91, a third of η 0.91, ten times ε 0.94); 64-500-500-500-10, 6 epochs,
# 0.91.
_OWN_FOR_DIGITS = Rates(5e-3, 1e-3)


def own_rates(rule: str, data: str, _measured: bool) -> Rates:
    """Rates for a few tens of epochs."""
    if data == "digits" and rule != "bp":
        return _OWN_FOR_DIGITS if rule == "danp" else Rates(_OWN_FOR_DIGITS.eta)
    return _OWN[rule]


def _fig3_rates(rule: str, _data: str, _measured: bool) -> Rates:
    """One rate of the sweep, ours; the paper names none for its single layer."""
    return Rates(_halved(7), _halved(19) if rule == "danp" else 0.0)


def _fig5_rates(rule: str, _data: str, _measured: bool) -> Rates:
    """Appendix B."""
    return Rates(1e-3, 1e-4 if rule == "danp" else 0.0)


_CHAIN: Mapping[str, Any] = {
    "noise": {"t_pass": _SAMPLE_TIME, "order": "passes"},
    "circuit": CIRCUIT_PRESETS["paper-hmm"].settings["circuit"],
}
_HMM = CIRCUIT_PRESETS["paper-hmm"].settings["circuit"]["noise"]["hmm"]
_CHAIN_WITH_ITS_MEAN: Mapping[str, Any] = {
    "noise": _CHAIN["noise"],
    "circuit": {
        "noise": {
            "source": "hmm",
            "hmm": {**_HMM, "remove_mean": False},
            "measured": {"remove_mean": False},
        }
    },
}
_FIG4_LEARNING: Mapping[str, Any] = {
    "rule": "danp",
    "schedule": "constant",
    "optimizer": "adam",
    "loss": "cross-entropy",
    "batch": 64,
    "epochs": 1000,
}


def _fig4(name: str) -> ScalePreset:
    images = name.startswith("cifar")
    return ScalePreset(
        f"{_PAPER}, Fig. 4, Appendix A and Table 1: {name}, three hidden layers of 500, DANP, a "
        "hidden Markov chain at every node, 1000 epochs",
        {
            "data": {"name": name, "augment": "crop-flip" if images else "none"},
            "learning": _FIG4_LEARNING,
            "evaluation": {"augment": images},
            **_CHAIN,
        },
        table_1,
    )


PRESETS: Mapping[str, ScalePreset] = MappingProxyType(
    {
        "mnist": ScalePreset(
            "ours: rates that reach most in 20 epochs of MNIST, with strings of junctions",
            {"data": {"name": "mnist"}, "learning": {"rule": "danp", "epochs": 20}},
            own_rates,
        ),
        "fig3": ScalePreset(
            f"{_PAPER}, Fig. 3: a single layer, ANP, MNIST, 100 epochs; the figure sweeps "
            "rates and noise from here",
            {
                "data": {"name": "mnist"},
                "network": {"hidden": "none"},
                "learning": {**_FIG4_LEARNING, "rule": "anp", "epochs": 100},
                "circuit": {"noise": {"source": "gaussian"}},
            },
            _fig3_rates,
        ),
        "fig4-mnist": _fig4("mnist"),
        "fig4-cifar10": _fig4("cifar10"),
        "fig4-cifar100": _fig4("cifar100"),
        "fig5": ScalePreset(
            f"{_PAPER}, Fig. 5 and Appendix B: 2-2-2-1, 100 epochs of 100 samples one by one",
            {
                "data": {"name": "teacher", "train_samples": 100},
                "network": {"hidden": "2,2", "leak": 0.1},
                "learning": {
                    "rule": "danp",
                    "schedule": "constant",
                    "optimizer": "sgd",
                    "loss": "squared-error",
                    "batch": 1,
                    "epochs": 100,
                    "biases": False,
                },
            },
            _fig5_rates,
        ),
        "author-code": ScalePreset(
            "github.com/artcogsys/MTJ-Node-Perturbation: what the authors' code does where it "
            "differs from the paper's text; 2,500 epochs",
            {
                "data": {"name": "mnist"},
                "learning": {
                    **_FIG4_LEARNING,
                    "epochs": 2500,
                    "reduction": "sum",
                },
                "evaluation": {"noise": True},
                "seed": 42,
                **_CHAIN_WITH_ITS_MEAN,
            },
            table_1,
            learned_mean=True,
        ),
    }
)
