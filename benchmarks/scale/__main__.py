"""`python -m benchmarks.scale`: what an update of a paper-sized network costs, beside plain torch.

Exit code 1 where updates differ by more than rounding, 2 for a wrong option.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import torch
from rich.console import Console

from benchmarks.scale.agreement import compare
from benchmarks.scale.aims import judge
from benchmarks.scale.contenders import BASELINE, COMPILED, CONTENDERS, OURS
from benchmarks.scale.epoch import time_epoch
from benchmarks.scale.figure import plot
from benchmarks.scale.limits import measure_limits
from benchmarks.scale.parts import by_function, by_operation
from benchmarks.scale.race import run_race
from benchmarks.scale.report import Report
from benchmarks.scale.table import print_report, write_markdown
from benchmarks.scale.workload import Workload, write_recording
from circuits.network import parse_layers

LAYERS = "784-500-500-500-10"
FIGURE = Path(__file__).parents[2] / "docs" / "images" / "scale_speed.png"
_WIDTH = 170  # characters, where no terminal says
_IMAGES = 60_000  # of MNIST
_TRACED = 20  # steps whose parts are looked at


def read_options(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Options of the command line."""
    everyone = [contender.name for contender in CONTENDERS]
    cores = os.cpu_count() or 1
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.scale",
        description="Time an update of a network in torch, rule by rule, against plain torch.",
    )
    parser.add_argument(
        "--layers", nargs="+", type=_layers, default=[_layers(LAYERS)],
        help=f"networks (default {LAYERS})",
    )  # fmt: skip
    parser.add_argument(
        "--batch", nargs="+", type=_positive, default=[64], help="samples an update (default 64)"
    )
    parser.add_argument(
        "--contenders", nargs="+", choices=everyone, default=everyone, metavar="NAME",
        help=f"of {', '.join(everyone)} (default: all)",
    )  # fmt: skip
    parser.add_argument(
        "--compile", action="store_true", help="time DANP under torch.compile as well"
    )
    parser.add_argument(
        "--threads", nargs="+", type=_positive, default=sorted({1, cores}),
        help=f"of the processor (default: 1, and all {cores})",
    )  # fmt: skip
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--rounds", type=_positive, default=15, help="(default %(default)s)")
    parser.add_argument(
        "--steps", type=_positive, default=10, help="of a turn in a round (default %(default)s)"
    )
    parser.add_argument(
        "--images", type=_whole, default=_IMAGES, help="of an epoch; 0: none (default %(default)s)"
    )
    parser.add_argument("--seed", type=_whole, default=0, help="of all that is drawn (default 0)")
    parser.add_argument("--out", type=_file, help="JSON file to write")
    parser.add_argument("--figure", type=_file, default=FIGURE, help="PNG to write")
    parser.add_argument("--markdown", type=_file, help="Markdown file to write the tables to")
    options = parser.parse_args(arguments)
    if options.device == "cuda" and not torch.cuda.is_available():
        parser.error(f"--device cuda: torch {torch.__version__} finds no GPU; try --device cpu")
    options.threads = list(dict.fromkeys(options.threads))
    return options


def _layers(text: str) -> tuple[int, ...]:
    try:
        return parse_layers(text.replace("-", ","))
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _positive(text: str) -> int:
    return _whole(text, least=1)


def _whole(text: str, least: int = 0) -> int:
    try:
        value = int(text)
    except ValueError:
        value = least - 1
    if value < least:
        raise argparse.ArgumentTypeError(f"wanted a whole number from {least} on, got {text!r}")
    return value


def _file(text: str) -> Path:
    path = Path(text)
    if not path.parent.is_dir():
        raise argparse.ArgumentTypeError(f"no such folder to write in: {path.parent}")
    return path


def run(options: argparse.Namespace, scratch: Path, console: Console) -> Report:
    """Measure everything."""
    device = torch.device(options.device)
    recording = write_recording(scratch, options.seed)
    workloads = [
        Workload(layers, batch, device, options.seed, recording)
        for layers in options.layers
        for batch in options.batch
    ]
    chosen = [
        one
        for one in CONTENDERS
        if one.name in options.contenders and options.device in one.devices
    ]
    chosen += [COMPILED] * options.compile
    largest = max(workload.working_set for workload in workloads)
    with console.status("the machine's limits") as status:
        limits = [measure_limits(device, threads, largest) for threads in options.threads]
        torch.set_num_threads(options.threads[0])
        differences = {workload.name: compare(workload) for workload in workloads}
        timed = [
            one
            for workload in workloads
            for threads in options.threads
            for one in run_race(
                workload,
                chosen,
                threads=threads,
                rounds=options.rounds,
                steps=options.steps,
                say=status.update,
            )
        ]
        status.update("an epoch")
        epochs = [
            time_epoch(workloads[0], one, threads=threads, images=options.images)
            for threads in options.threads
            for one in chosen
            if options.images and one.name in (OURS, BASELINE)
        ]
        status.update("parts of a step")
        torch.set_num_threads(options.threads[0])
        ours = next(one for one in CONTENDERS if one.name == OURS)
        steps = {workload.name: ours.open(workload) for workload in workloads}
        on_cpu = device.type == "cpu"
        functions = {name: by_function(step, _TRACED) for name, step in steps.items() if on_cpu}
        operations = {name: by_operation(step, _TRACED, device) for name, step in steps.items()}
    return Report(
        _named(device),
        options.rounds,
        options.steps,
        os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        timed,
        differences,
        limits,
        epochs,
        functions,
        operations,
        judge(timed),
    )


def _named(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print and write; return the exit code."""
    options = read_options(arguments)
    console = Console(width=None if sys.stdout.isatty() else _WIDTH)
    before = torch.get_num_threads()
    try:
        with tempfile.TemporaryDirectory() as scratch:
            report = run(options, Path(scratch), console)
    finally:
        torch.set_num_threads(before)
    print_report(console, report)
    if options.out:
        report.write(options.out)
    if options.markdown:
        write_markdown(report, options.markdown)
    plot(report, options.figure)
    return 0 if report.sound else 1


if __name__ == "__main__":
    sys.exit(main())
