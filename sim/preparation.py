"""What a run is made of: task, start, rule and clock, drawn from a configuration."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from circuits import CircuitParameters, Network, NoiseString
from circuits.exceptions import require_there
from circuits.mismatch import Chip, chip_generator, draw_chip
from circuits.quantities import format_quantity
from circuits.recording import Recording
from circuits.write_back import SynapseArray
from learning import (
    LOSSES,
    Activation,
    ActivationFunction,
    Loss,
    MeasuredActivation,
    Model,
    Optimizer,
    Rule,
    Task,
    init_model,
    make_optimizer,
    make_rule,
)
from netlists.models import with_models
from netlists.rules import Finding, require_sound
from sim import activation_curve
from sim.activation_curve import CurveFile
from sim.clock import Clock
from sim.config import RunConfig
from sim.data_record import require_below_rails
from sim.errors import UserError
from sim.rules import circuit_findings, clock_findings
from sim.schedule import NoiseSchedule, open_schedule
from sim.settling import measure_settling
from sim.sources import has_mean, node_sigma, open_recording, require_resolvable
from sim.start import read_start
from sim.task_data import plan_task

IDEAL, CALIBRATED = "ideal mathematics", "calibrated twin"

_WRITE_BACK = 0x77726974  # apart from every other stream that a seed makes


@dataclass(frozen=True)
class Setup:
    """What both learners share.

    Attributes:
        config: complete.
        network: layers and biases.
        circuit: parameters of every part, those of the chip among its exceptions.
        chip: its parts and devices, drawn.
        strings: noise string of each neuron, of the chip's devices.
        recording: of measured noise, opened.
        clock: lengths and fidelity of passes.
        activation: the twin's rectifier; straight lines, or the measured curve.
        curve: the file of that curve; none for straight lines.
        task: samples and targets.
        loss: per sample.
        rule: learning rule.
        optimizer: what its updates go through.
        start: the model before training.
        keys: one seed each for noise in training, noise in evaluation, and the order of samples.
        findings: warnings of the electrical rules; none where they were not asked.
    """

    config: RunConfig
    network: Network
    circuit: CircuitParameters
    chip: Chip
    strings: tuple[NoiseString, ...]
    recording: Recording | None
    clock: Clock
    activation: ActivationFunction
    curve: CurveFile | None
    task: Task
    loss: Loss
    rule: Rule
    optimizer: Optimizer
    start: Model
    keys: tuple[int, ...]
    findings: tuple[Finding, ...]

    def schedule(self, purpose: int, *, silent: bool = False) -> NoiseSchedule:
        """Noise from its beginning; purpose 0 is training, 1 evaluation.

        Args:
            purpose: chooses the seed.
            silent: hold the noise off.
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
        )

    def synapse_array(self, purpose: int) -> SynapseArray:
        """The chip's weight devices, with nothing written to them yet.

        Args:
            purpose: 0 for what learns in the loop, 1 for what the twin's weights are transferred
                to. The devices are the same; what differs from write to write does not.
        """
        seed, chip = self.config.seed, self.circuit.mismatch.chip
        devices = _write_back_generator(seed, 0) if chip is None else _write_back_generator(chip, 1)
        return SynapseArray(
            self.circuit,
            self.network,
            plus=self.chip.plus,
            minus=self.chip.minus,
            devices=devices,
            cycles=_write_back_generator(seed, 2 + purpose),
        )

    @property
    def twin(self) -> str:
        """What the twin is, in words."""
        return twin_of(self.config)

    def with_clock(self, clock: Clock) -> "Setup":
        """The same on another clock."""
        return replace(self, clock=clock)

    def order(self) -> np.random.Generator:
        """Generator of the order of samples, from its beginning."""
        return np.random.default_rng(self.keys[2])


def twin_of(config: RunConfig) -> str:
    """What the twin of a run is, in words."""
    return IDEAL if config.simulation.activation_curve is None else CALIBRATED


def set_up(
    config: RunConfig,
    clock: Clock | None = None,
    *,
    task: Task | None = None,
    rule: Rule | None = None,
) -> Setup:
    """Draw task and start, and make the rule, from a configuration.

    Args:
        config: what is left out is completed.
        clock: of a run that was set up before, taken as it is; by default worked out from the
            configuration, with a measurement and the rules of the clock where it asks for them.
        task: in place of the configuration's; settings left out are those of a user's own data.
        rule: in place of the configuration's.

    Returns:
        Everything that a training is made from, its configuration complete.

    Raises:
        UserError: a model from a file cannot be had, task and network do not fit, the rule does not
            fit the settings, or the circuit breaks its electrical rules.
        SimulationError: ngspice failed in the measurement of the settling time.
    """
    config, make_data = plan_task(config, task)
    config = config.model_copy(update={"circuit": with_models(config.circuit)})
    task_seed, start_seed, *seeds, devices_seed = np.random.SeedSequence(config.seed).spawn(6)
    circuit, network, learning = config.circuit, config.network, config.learning
    # The teacher keeps to straight lines: the task is the same whatever the twin is made of.
    straight = Activation(circuit.activation.positive_slope, circuit.activation.negative_slope)
    curve = _measured(config.simulation.activation_curve)
    activation = MeasuredActivation(curve.curve.a, curve.curve.x) if curve else straight
    eta, init_scale = learning.eta, learning.init_scale
    if eta is None or init_scale is None or learning.optimizer is None:
        raise TypeError("complete() left a field open")
    measured = circuit.noise.source == "measured"
    recording = open_recording(circuit.noise.measured) if measured else None
    try:
        require_there(circuit.exceptions, network, circuit.activation, circuit.noise)
        chip = draw_chip(circuit, network, chip_generator(circuit, devices_seed))
        circuit, strings = chip.applied(circuit), chip.strings
        task = make_data(np.random.default_rng(task_seed), straight)
        require_below_rails(task, circuit)
        if strings:
            require_resolvable(strings)
        sigma = node_sigma(circuit, recording)
        _require_below_rails(circuit, sigma)
        start = (
            init_model(network.layers, np.random.default_rng(start_seed), scale=init_scale)
            if learning.start is None
            else read_start(learning.start, network)
        )
        findings = _rules_of_the_circuit(config, network, circuit, strings, start)
        others: tuple[Finding, ...] = ()
        if clock is None:
            clock, others = _clock(config, network, circuit, strings, recording)
        rule = rule or make_rule(
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
    return Setup(
        config,
        network,
        circuit,
        chip,
        strings,
        recording,
        clock,
        activation,
        curve,
        task,
        LOSSES[task.loss_name],
        rule,
        optimizer,
        start,
        # Numbers, since a seed sequence that has spawned is another one.
        tuple(int(seed.generate_state(1, np.uint64)[0]) for seed in seeds),
        findings + others,
    )


def _write_back_generator(number: int, stream: int) -> np.random.Generator:
    return np.random.default_rng(np.random.SeedSequence(number, spawn_key=(_WRITE_BACK, stream)))


def circuit_weights(
    model: Model, network: Network, circuit: CircuitParameters
) -> tuple[NDArray[np.float64], ...]:
    """Weights as the circuit holds them: `W·decor`, biases as a last column over `v_one`."""
    folded = model.effective_weights()
    if not network.biases:
        return tuple(folded)
    return tuple(
        np.column_stack([w, b / circuit.v_one]) for w, b in zip(folded, model.biases, strict=True)
    )


def _rules_of_the_circuit(
    config: RunConfig,
    network: Network,
    circuit: CircuitParameters,
    strings: tuple[NoiseString, ...],
    start: Model,
) -> tuple[Finding, ...]:
    simulation = config.simulation
    if simulation.engine != "ngspice" or not simulation.erc:
        return ()
    weights = circuit_weights(start, network, circuit)
    findings = circuit_findings(network, circuit, weights, strings)
    require_sound(findings)
    return findings


def _measured(path: str | None) -> CurveFile | None:
    return None if path is None else activation_curve.read(Path(path))


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


def _clock(
    config: RunConfig,
    network: Network,
    circuit: CircuitParameters,
    strings: tuple[NoiseString, ...],
    recording: Recording | None,
) -> tuple[Clock, tuple[Finding, ...]]:
    """The passes' times, and what the rules find in them."""
    simulation = config.simulation
    aperture = simulation.t_aperture or simulation.t_pass
    if aperture > simulation.t_pass:
        raise ValueError(
            f"simulation.t_aperture: wanted at most t_pass, {simulation.t_pass:g} s, "
            f"got {aperture:g} s"
        )
    clock = Clock(simulation.t_pass, aperture, simulation.fidelity)
    wanted = simulation.erc or simulation.t_aperture is None
    if simulation.engine != "ngspice" or simulation.fidelity == "op" or not wanted:
        return clock, ()
    settling = measure_settling(network, circuit, simulation.solver(), recording=recording)
    clock = replace(clock, settling=settling.time)
    if simulation.t_aperture is None:
        clock = replace(clock, t_aperture=min(2 * settling.time, simulation.t_pass))
    if not simulation.erc:
        return clock, ()
    findings = clock_findings(
        clock, settling, network, circuit, strings, silent=simulation.noise_off
    )
    require_sound(findings)
    return clock, findings
