"""A training's configuration put together, and what was left out of it filled in."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from learning import DEFAULTS
from sim.scale.config import ScaleConfig
from sim.scale.kinds import TEACHER
from sim.scale.presets import PRESETS, Rates, own_rates
from sim.settings import changed, load_settings

_EPOCHS, _BATCH = 20, 64
_LEAK = 0.01  # V/V, the paper's
_LOGITS = {False: "cross-entropy", True: "cross-entropy-5"}  # an answer is sure within the rails


def configure(
    preset: str | None = None,
    settings: Mapping[str, Any] | None = None,
    *,
    config: Path | None = None,
    names: Mapping[str, str] | None = None,
    assignments: Sequence[str] = (),
) -> ScaleConfig:
    """Put a configuration together: preset, then file, then settings, then assignments.

    Args:
        preset: a name in `sim.scale.presets.PRESETS`.
        settings: value by dotted path, such as `learning.eta`; None where not given.
        config: TOML file, such as a training's `config.toml`.
        names: what settings are called, by path, for messages.
        assignments: `PATH=VALUE`, as of `--set`.

    Returns:
        It, with learning rates and sizes filled in, and with a cell's circuit; layers follow when
        the data are read.

    Raises:
        UserError: one line that says where, what, got and wanted.
    """
    found = load_settings(
        ScaleConfig,
        PRESETS,
        _whole_layers(settings or {}),
        path=config,
        preset=preset,
        names=names,
        assignments=assignments,
    )
    return complete(found, preset)


def _whole_layers(settings: Mapping[str, Any]) -> Mapping[str, Any]:
    """The settings, layers in the place of the hidden ones that a preset or a file may name."""
    layers = settings.get("network.layers")
    if layers is None or settings.get("network.hidden") is not None:
        return settings
    units = layers.split(",") if isinstance(layers, str) else [str(n) for n in layers]
    return {**settings, "network.hidden": ",".join(units[1:-1]) or "none"}


def complete(config: ScaleConfig, preset: str | None = None) -> ScaleConfig:
    """Fill in what was left out.

    Args:
        config: as given.
        preset: whose learning rates are taken; ours by default.

    Raises:
        UserError: the cell cannot be read, or does not go with what is set beside it; or what was
            given does not go with what follows from it.
    """
    leak = _LEAK
    if config.cell is not None:
        # It reads what few trainings have.
        from sim.scale.cell import circuit_of, leak_of  # noqa: PLC0415

        leak = leak_of(config)
        config = config.model_copy(update={"circuit": circuit_of(config)})
    drawn = config.data.name == TEACHER
    known = DEFAULTS["teacher"]
    rate = own_rates if preset is None else PRESETS[preset].rates
    measured = config.circuit.noise.source == "measured"
    learned_mean = preset is not None and PRESETS[preset].learned_mean
    rates = rate(config.learning.rule, config.data.name, measured)
    if drawn and preset is None:
        rates = Rates(known.eta, known.decor_rate if config.learning.rule == "danp" else 0.0)
    defaults: dict[str, dict[str, Any]] = {
        "data": {"scale": "volts" if config.cell else "paper"}
        | ({"train_samples": known.samples} if drawn else {}),
        "network": {"init": "normal" if drawn else "uniform", "leak": leak},
        "learning": {
            "eta": rates.eta,
            "decor_rate": rates.decor_rate,
            "schedule": "constant" if drawn or config.data.name == "digits" else "linear",
            "demean": "learned" if learned_mean and config.learning.rule == "danp" else "none",
            "optimizer": known.optimizer if drawn else "adam",
            "loss": known.loss_name if drawn else _LOGITS[config.cell is not None],
            "batch": known.batch if drawn else _BATCH,
            "epochs": known.epochs if drawn else _EPOCHS,
            "biases": known.biases if drawn else True,
        },
    }
    missing = {
        f"{section}.{name}": value
        for section, values in defaults.items()
        for name, value in values.items()
        if getattr(getattr(config, section), name) is None
    }
    return changed(config, missing)
