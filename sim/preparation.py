"""What a run is made of: task, start, rule and clock, drawn from a configuration."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from circuits import CircuitParameters, Network, NoiseString
from circuits.quantities import format_quantity
from circuits.recording import Recording
from learning import (
    LOSSES,
    Activation,
    Loss,
    Model,
    Optimizer,
    Rule,
    Task,
    init_model,
    make_optimizer,
    make_rule,
    make_task,
)
from sim.clock import Clock
from sim.config import RunConfig
from sim.errors import UserError
from sim.schedule import NoiseSchedule, open_schedule
from sim.settling import settled_after
from sim.sources import Drawn, has_mean, node_sigma, open_recording, require_resolvable


@dataclass(frozen=True)
class Setup:
    """What both learners share.

    Attributes:
        config: complete.
        network: layers and biases.
        circuit: parameters of every part.
        strings: noise string of each neuron, its devices drawn.
        recording: of measured noise, opened.
        clock: lengths and fidelity of passes.
        activation: the twin's rectifier.
        task: samples and targets.
        loss: per sample.
        rule: learning rule.
        optimizer: what its updates go through.
        start: the model before training.
        keys: one seed each for noise in training, noise in evaluation, and the order of samples.
    """

    config: RunConfig
    network: Network
    circuit: CircuitParameters
    strings: tuple[NoiseString, ...]
    recording: Recording | None
    clock: Clock
    activation: Activation
    task: Task
    loss: Loss
    rule: Rule
    optimizer: Optimizer
    start: Model
    keys: tuple[int, ...]

    def schedule(
        self,
        purpose: int,
        *,
        silent: bool = False,
        record: Callable[[Drawn], None] = lambda _: None,
    ) -> NoiseSchedule:
        """Noise from its beginning; purpose 0 is training, 1 evaluation.

        Args:
            purpose: chooses the seed.
            silent: hold the noise off.
            record: told of all noise that is drawn.
        """
        return open_schedule(
            self.network,
            self.circuit,
            self.clock,
            np.random.default_rng(self.keys[purpose]),
            strings=self.strings,
            recording=self.recording,
            solver=self.config.simulation.solver(),
            silent=silent,
            record=record,
        )

    def with_clock(self, clock: Clock) -> "Setup":
        """The same on another clock."""
        return replace(self, clock=clock)

    def order(self) -> np.random.Generator:
        """Generator of the order of samples, from its beginning."""
        return np.random.default_rng(self.keys[2])


def set_up(config: RunConfig) -> Setup:
    """Draw task and start, and make the rule, from a configuration.

    Raises:
        UserError: task and network do not fit, or the rule does not fit the settings.
    """
    config = config.complete()
    task_seed, start_seed, *seeds, devices_seed = np.random.SeedSequence(config.seed).spawn(6)
    circuit, network, learning = config.circuit, config.network, config.learning
    activation = Activation(circuit.activation.positive_slope, circuit.activation.negative_slope)
    eta, init_scale = learning.eta, learning.init_scale
    if eta is None or init_scale is None or learning.optimizer is None:
        raise TypeError("complete() left a field open")
    measured = circuit.noise.source == "measured"
    recording = open_recording(circuit.noise.measured) if measured else None
    try:
        strings = circuit.noise_strings(network.neurons, np.random.default_rng(devices_seed))
        task = make_task(
            config.task.name,
            network.layers,
            config.task.samples,
            np.random.default_rng(task_seed),
            activation,
        )
        if strings:
            require_resolvable(strings)
        sigma = node_sigma(circuit, recording)
        _require_below_rails(circuit, sigma)
        clock = _clock(config, network, recording)
        rule = make_rule(
            learning.rule,
            reduction=learning.reduction,
            biases=network.biases,
            sigma=sigma,
            loss_name=task.loss_name,
            activation=activation,
            demean_inputs=learning.demean_inputs,
            resolution=learning.resolution,
        )
        optimizer = make_optimizer(learning.optimizer, eta)
    except ValueError as error:
        raise UserError(str(error)) from None
    _require_unlike_passes(network, circuit, recording, config.task.batch or 1)
    if rule.clean_first_pass and has_mean(circuit):
        raise UserError(
            f"--rule {rule.name}: it takes the noise itself for zero on average, and source "
            f"{circuit.noise.source} as set has a mean: leave its skew and offset at 0, or "
            "remove_mean on"
        )
    start = init_model(network.layers, np.random.default_rng(start_seed), scale=init_scale)
    return Setup(
        config,
        network,
        circuit,
        strings,
        recording,
        clock,
        activation,
        task,
        LOSSES[task.loss_name],
        rule,
        optimizer,
        start,
        # Numbers, since a seed sequence that has spawned is another one.
        tuple(int(seed.generate_state(1, np.uint64)[0]) for seed in seeds),
    )


def _require_below_rails(circuit: CircuitParameters, sigma: float) -> None:
    if sigma > min(circuit.v_dd, -circuit.v_ss):
        raise ValueError(
            f"circuit.noise: {format_quantity(sigma, 'V')} rms at every node is beyond the rails; "
            "lower the source's scale (is the recording in V?)"
        )


def _require_unlike_passes(
    network: Network, circuit: CircuitParameters, recording: Recording | None, batch: int
) -> None:
    """Refuse a recording so short that a node reads the same samples in both passes."""
    if recording is None:
        return
    stride = circuit.noise.measured.stride
    for count in network.layers[1:]:
        if batch * count * stride % recording.length == 0:
            raise UserError(
                f"{recording.path}: with {recording.length} samples, {batch} samples a batch and "
                f"{count} neurons in a layer, both passes read the same; take a longer recording"
            )


def _clock(config: RunConfig, network: Network, recording: Recording | None) -> Clock:
    simulation = config.simulation
    aperture = simulation.t_aperture
    if aperture is None:
        aperture = simulation.t_pass
        if simulation.engine == "ngspice":
            settled = settled_after(
                network, config.circuit, simulation.solver(), recording=recording
            )
            if settled > simulation.t_pass:
                raise ValueError(
                    f"simulation.t_pass: a pass of {simulation.t_pass:g} s ends before the "
                    f"circuit has settled; wanted {2 * settled:.2g} s or more"
                )
            aperture = min(2 * settled, simulation.t_pass)
    if aperture > simulation.t_pass:
        raise ValueError(
            f"simulation.t_aperture: wanted at most t_pass, {simulation.t_pass:g} s, "
            f"got {aperture:g} s"
        )
    return Clock(simulation.t_pass, aperture, simulation.fidelity)
