"""The table of results in the README: every task's default run for five seeds.

`python benchmarks/results.py` prints it as Markdown; a quarter of an hour on two cores.
"""

import json
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from learning import DEFAULTS

SEEDS = range(5)
CORES = 2


def run(task: str, seed: int, scratch: Path) -> dict[str, Any]:
    """The summary of one default run, in a process of its own."""
    out = scratch / f"{task}-{seed}"
    command = [sys.executable, "-m", "sim.run", "--task", task, "--seed", str(seed), "--quiet"]
    subprocess.run([*command, "--out", str(out)], check=True)  # noqa: S603
    return json.loads((out / "summary.json").read_text(encoding="utf8"))


def row(summary: dict[str, Any]) -> str:
    """One line of the table."""
    loss, accuracy = summary["loss"], summary["accuracy"]["in_loop"]
    layers = "-".join(map(str, summary["layers"]))
    losses = [loss[key] for key in ("initial_circuit", "ideal", "transfer", "in_loop")]
    share = "–" if accuracy is None else f"{100 * accuracy:.0f} %"
    cells = [f"{summary['task']} {layers}", str(summary["seed"]), *(f"{x:.2g}" for x in losses)]
    return f"| {' | '.join([*cells, share])} |"


def main() -> None:
    """Run everything and print the table."""
    print("| task | seed | start | ideal | transfer | in the loop | accuracy in the loop |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as scratch, ThreadPoolExecutor(CORES) as pool:
        runs = [(task, seed, Path(scratch)) for task in DEFAULTS for seed in SEEDS]
        for summary in pool.map(lambda job: run(*job), runs):
            print(row(summary), flush=True)


if __name__ == "__main__":
    main()
