"""What `summary.json` says of a run, and what its figures should be read with."""

from collections.abc import Iterator
from typing import Any

from netlists.build import probe_names
from sim import data_record, loop
from sim.compare import Comparison
from sim.guards import NO_PASSES, Tally
from sim.libngspice import get_library
from sim.noise.record import NAME as NOISE_RECORD
from sim.outcome import Outcome
from sim.programmed import transferred
from sim.record import versions

_LISTED = 64  # levels of a node listed, at most
_CORRELATED = 0.1  # between the two passes, from which on a run warns
_MOST_DOUBTFUL = 0.5  # of the passes behind a figure, from which on a run warns
_TIED = 0.5  # between neighbouring nodes, likewise


def summarise(outcome: Outcome) -> dict[str, Any]:
    """The contents of `summary.json`; volts, joules and seconds."""
    setup, training = outcome.setup, outcome.training
    config = setup.config
    circuit = training.learners.get("in_loop")
    twin = training.learners["ideal"]
    main = circuit or twin
    engine = "in_loop" if circuit else "ideal"
    spice = config.simulation.engine == "ngspice"
    degrees = outcome.alignment.degrees if outcome.alignment else {}
    compared = outcome.comparison
    rms_max = compared.rms_and_max() if compared else []
    without_doubt = compared.rms_and_max(doubtful=False) if compared else []
    return {
        "layers": list(setup.network.layers),
        "task": config.task.name,
        "data": data_record.record(setup.task, config.task.table),
        "rule": config.learning.rule,
        "seed": config.seed,
        "epochs": len(training.epochs),
        "epochs_asked": config.task.epochs,
        "finished": outcome.finished,
        "ended": outcome.ended,
        "failure": None if outcome.failure is None else str(outcome.failure),
        "samples": config.task.samples,
        "engine": config.simulation.engine,
        "fidelity": config.simulation.fidelity if spice else None,
        "t_aperture_s": setup.clock.t_aperture if spice and setup.clock.look_back else None,
        "t_settling_s": setup.clock.settling,
        "opamp": config.circuit.opamp.level if spice else None,
        "twin": {"is": setup.twin, "activation_curve": config.simulation.activation_curve},
        "versions": versions(get_library().version if spice else None),
        "loss_name": setup.task.loss_name,
        "loss": {
            "initial": _loss(outcome.initial.get("ideal")),
            "initial_circuit": _loss(outcome.initial.get("in_loop")),
            "ideal": _loss(outcome.ideal),
            "transfer": _loss(outcome.transfer),
            "in_loop": _loss(outcome.in_loop),
        },
        "accuracy": {
            "initial": _accuracy(outcome.initial.get("ideal")),
            "initial_circuit": _accuracy(outcome.initial.get("in_loop")),
            "ideal": _accuracy(outcome.ideal),
            "transfer": _accuracy(outcome.transfer),
            "in_loop": _accuracy(outcome.in_loop),
        },
        "deviation": {
            "of": f"layer outputs, ngspice minus {setup.twin}, same weights and noise",
            "layers": [
                {"rms_v": rms, "max_v": largest, "rms_ok_v": ok}
                for (rms, largest), (ok, _) in zip(rms_max, without_doubt, strict=True)
            ],
        },
        "alignment_deg": degrees.get(engine),
        "alignment": {
            "pairs": outcome.alignment.pairs if outcome.alignment else None,
            "ideal_deg": degrees.get("ideal"),
            "in_loop_deg": degrees.get("in_loop"),
        },
        "skipped_updates": main.skipped,
        "skipped_updates_ideal": twin.skipped,
        "clipped_resistors": main.clipped,
        "write_back": _write_back(outcome) if spice else None,
        "energy_per_pass_j": main.energy / main.tally.passes if main.tally.passes else None,
        "convergence_aids": outcome.aids if spice else None,
        "guards": _guards(outcome) if spice else None,
        "erc": {
            "checked": spice and config.simulation.erc,
            "findings": [finding.to_dict() for finding in setup.findings],
            "findings_trained": [finding.to_dict() for finding in outcome.trained],
        },
        "noise": _noise(outcome),
        "warnings": list(warnings(outcome)),
        "time": {
            "total_s": outcome.seconds,
            "ngspice_s": outcome.ngspice_seconds,
            # Several workers are in ngspice at the same time.
            "python_s": outcome.seconds - outcome.ngspice_seconds if outcome.jobs <= 1 else None,
        },
        "workers": {
            "jobs": outcome.jobs,
            "replaced": outcome.replaced,
            "units_asked_again": outcome.retried,
        },
        "passes": main.engine.tally.passes,
    }


def _write_back(outcome: Outcome) -> dict[str, Any]:
    """What devices made of the weights of the comparison, and of the twin's."""
    parameters = outcome.setup.circuit.write_back
    twin = transferred(outcome.setup, outcome.training.learners["ideal"].model)
    held = outcome.programmed()
    return {
        "device": parameters.device,
        "accumulator": parameters.accumulator,
        "writes": held.writes,
        "held_error_rms": list(held.errors),
        "transfer": {"writes": twin.writes, "held_error_rms": list(twin.errors)},
    }


def _guards(outcome: Outcome) -> dict[str, Any]:
    """How passes in ngspice came out: all of them, and those behind each figure."""
    parts = {name: tally.record() for name, tally in _judged(outcome)}
    return {"all": outcome.tally.record(), **parts}


def _judged(outcome: Outcome) -> list[tuple[str, Tally]]:
    """The passes in ngspice behind each figure."""
    circuit = outcome.training.learners.get("in_loop")
    parts = {
        "training": circuit.tally if circuit else None,
        "initial": _tally(outcome.initial.get("in_loop")),
        "alignment": outcome.alignment.tallies.get("in_loop") if outcome.alignment else None,
        "transfer": _tally(outcome.transfer),
        "in_loop": _tally(outcome.in_loop),
        "deviation": _tally(outcome.comparison),
    }
    return [(name, tally) for name, tally in parts.items() if tally is not None]


def _tally(scored: loop.Evaluation | Comparison | None) -> Tally | None:
    return scored.tally if scored else None


def _noise(outcome: Outcome) -> dict[str, Any]:
    setup, simulation = outcome.setup, outcome.setup.config.simulation
    noise = setup.circuit.noise
    probes = [name for name in probe_names(setup.network) if name.startswith("a")]
    return {
        "source": noise.source,
        "held_off": simulation.noise_off,
        "coupling": noise.coupling if noise.source == "string" else None,
        "flips_by": None if noise.source != "string" else "ngspice" if noise.two_way else "drawn",
        "file": noise.measured.file if noise.source == "measured" else None,
        "rounds": _rounds(outcome) or None,
        "recorded": NOISE_RECORD if simulation.record_noise else None,
        "nodes": [
            {
                "node": name,
                "sigma_v": node.sigma,
                "level_count": len(node.levels) or None,
                "levels_v": list(node.levels) if 0 < len(node.levels) <= _LISTED else None,
                "occupancy": node.occupancy,
                "pass_correlation": node.correlation,
                "neighbour_correlation": node.neighbour,
            }
            for name, node in zip(probes, outcome.nodes, strict=False)
        ],
    }


def warnings(outcome: Outcome) -> Iterator[str]:
    """What a run's figures should be read with, a sentence each."""
    setup = outcome.setup
    if setup.task.origin:
        yield from setup.task.origin.notes()
    for finding in outcome.trained:
        yield f"with the trained weights: {finding}"
    differing = setup.curve.differences(setup.circuit) if setup.curve else ()
    if setup.curve and differing:
        yield (
            f"{setup.curve.path}: the curve was measured of another circuit, with "
            f"{', '.join(differing)}: the deviation holds that difference too; measure this "
            "circuit's with python -m sim.characterize --cell activation"
        )
    yield from _outside_range(outcome)
    if setup.config.simulation.noise_off:
        return
    tied = max((node.neighbour for node in outcome.nodes), default=0.0)
    if tied > _TIED:
        yield (
            "neighbouring nodes read neighbouring samples: the differences of their two passes "
            f"are {100 * tied:.0f} % correlated, so that what would move them apart is learned "
            "more slowly; take --batch 1, every n-th sample (circuit.noise.measured.stride), or a "
            "source for each node"
        )
    rounds = _rounds(outcome)
    if rounds > 1:
        yield f"training reads the recording {rounds:.1f} times over: its noise repeats itself"
    worst = max((node.correlation for node in outcome.nodes), default=0.0)
    if worst > _CORRELATED:
        hint = "lengthen --t-pass"
        if setup.circuit.noise.source == "measured":
            hint = "read every n-th sample (circuit.noise.measured.stride)"
        yield (
            f"the two passes share {100 * worst:.0f} % of their noise's variance at a node: their "
            f"difference shrinks, and between levels more of them are the same; {hint}"
        )


def _outside_range(outcome: Outcome) -> Iterator[str]:
    """One sentence on all figures that mostly doubtful passes are behind."""
    outside = [
        (name.replace("_", " "), tally)
        for name, tally in _judged(outcome)
        if tally.doubtful > _MOST_DOUBTFUL * tally.passes
    ]
    if not outside:
        return
    *others, last = [name for name, _ in outside]
    total = sum((tally for _, tally in outside), NO_PASSES)
    worst = max(total.reasons, key=lambda doubt: total.reasons[doubt])
    behind = f"{', '.join(others)} and {last}" if others else last
    read = "their figures as those" if others else "its figure as that"
    yield (
        f"{total.doubtful:,} of the {total.passes:,} passes behind {behind} are doubtful, most "
        f"for {worst.reason}: read {read} of a circuit outside its range"
    )


def _rounds(outcome: Outcome) -> float:
    """How often training goes through the recording."""
    setup = outcome.setup
    task, recording = setup.config.task, setup.recording
    if recording is None:
        return 0.0
    read = 2 * (task.epochs or 0) * (task.samples or 0) * setup.network.neurons
    return read * setup.circuit.noise.measured.stride / recording.length


def _loss(evaluation: loop.Evaluation | None) -> float | None:
    return evaluation.loss if evaluation else None


def _accuracy(evaluation: loop.Evaluation | None) -> float | None:
    return evaluation.accuracy if evaluation else None
