"""One line that says what a figure shows, and which engine made it."""

from circuits.network import format_layers
from circuits.write_back import WriteBackParameters
from sim.clock import Fidelity
from sim.config import RunConfig
from sim.preparation import IDEAL, twin_of


def devices_in_words(parameters: WriteBackParameters) -> str:
    """What weights are written to, where it is not ideal devices."""
    if parameters.device == "ideal":
        return ""
    return parameters.device if parameters.accumulator else f"{parameters.device}, no accumulator"


def run_title(config: RunConfig, fidelity: Fidelity | None = None) -> str:
    """Task, network, rule, seed and engine.

    Args:
        config: of the run.
        fidelity: of what is shown, where that is another one than the run's.
    """
    by = twin = twin_of(config)
    if config.simulation.engine == "ngspice":
        amplifiers = f"{config.circuit.opamp.label} op-amps"
        by = f"ngspice, {fidelity or config.simulation.fidelity}, {amplifiers}"
        devices = devices_in_words(config.circuit.write_back)
        if devices:
            by = f"{by}, weights in {devices}"
        if twin != IDEAL:
            by = f"{by}; {twin}"
    layers = format_layers(config.network.layers)
    return f"{config.task.name} {layers}, {config.learning.rule}, seed {config.seed} ({by})"
