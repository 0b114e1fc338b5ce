"""A folder furnished with what documented commands name: recordings, models, runs, data."""

import gzip
import shutil
import signal
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from learning.train import main as train
from netlists.export import main as build
from sim.progress import TrainingProgress
from sim.run import main as run
from sim.scale.progress import ScaleProgress

OPAMP = """* five pins: in+ in- V+ V- out
.subckt AMP601 1 2 3 4 5
G1 0 6 1 2 1m
R1 6 0 560MEG
C1 6 0 57p
E1 5 0 6 0 1
R2 3 4 22k
.ends
"""
DIODE = ".model BAT54W D(IS=2u N=1.03 RS=2 CJO=10p)\n"
CURVE = "a_v,x_v\n-2.5,-0.2\n0,0\n2.5,2.3\n"
SAMPLES = "a,b,kind\n" + "".join(
    f"{k / 10:g},{(7 * k) % 10 / 10:g},{'low' if k < 20 else 'high'}\n" for k in range(40)
)
SMALL = ("--epochs", "1", "--samples", "10", "--quiet")


def recording(path: Path) -> None:
    """Two levels and some noise around them, in volts, 25 µs apart."""
    rng = np.random.default_rng(0)
    states = np.cumsum(rng.random(4000) < 0.08) % 2
    voltages = 36e-3 + 12e-3 * states + rng.normal(0, 0.9e-3, 4000)
    if path.suffix == ".npy":
        np.save(path, voltages)
    else:
        path.write_text("V\n" + "\n".join(f"{v:.6g}" for v in voltages) + "\n")


def pictures(folder: Path) -> None:
    """MNIST's four files with 40 pictures in each pair."""
    rng = np.random.default_rng(0)
    for part in ("train", "t10k"):
        images = rng.integers(0, 256, (40, 28, 28), np.uint8)
        labels = np.arange(40, dtype=np.uint8) % 10
        for name, array in (("images-idx3", images), ("labels-idx1", labels)):
            path = folder / f"{part}-{name}-ubyte.gz"
            path.write_bytes(gzip.compress(idx_bytes(array)))


def idx_bytes(array: NDArray[np.uint8]) -> bytes:
    """An array in MNIST's own format: http://yann.lecun.com/exdb/mnist/, "IDX file format"."""
    sizes = b"".join(size.to_bytes(4, "big") for size in array.shape)
    return bytes((0, 0, 8, array.ndim)) + sizes + array.tobytes()


def finished_run(folder: Path) -> None:
    """A run of ten samples, with a curve beside it."""
    assert run([*SMALL, "--out", str(folder)]) == 0
    (folder / "activation-curve.csv").write_text(CURVE)


def stopped_run(folder: Path) -> None:
    """A run that Ctrl-C stopped at its third sample."""

    def step(_: TrainingProgress, seen: int) -> None:
        if seen == 3:
            signal.raise_signal(signal.SIGINT)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TrainingProgress, "step", step)
        assert run([*SMALL, "--engine", "ideal", "--out", str(folder)]) == 130


def stopped_training(folder: Path) -> None:
    """A training that Ctrl-C stopped at its third step."""
    steps = 0

    def step(_: ScaleProgress) -> None:
        nonlocal steps
        steps += 1
        if steps == 3:
            signal.raise_signal(signal.SIGINT)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ScaleProgress, "step", step)
        assert train(["--preset", "fig5", "--epochs", "1", "--quiet", "--out", str(folder)]) == 130


def deck(path: Path) -> None:
    """A network of two neurons."""
    assert build(["--layers", "2,1,1", "--out", str(path)]) == 0


def text(content: str) -> Callable[[Path], None]:
    """A file of this content."""
    return lambda path: _write(path, content)


def _write(path: Path, content: str) -> None:
    path.write_text(content)


FILES: dict[str, Callable[[Path], None]] = {
    "recording.npy": recording,
    "recording.csv": recording,
    "parts/amplifier.lib": text(OPAMP),
    "parts/schottky.lib": text(DIODE),
    "activation-curve.csv": text(CURVE),
    "samples.csv": text(SAMPLES),
    "network.cir": deck,
    "my.cir": deck,
}
"""Files by the names that the pages give them."""
RUNS = ("RUN", "DIR", "RUN_DIR", "runs/first", "runs/second")
"""Names of folders that runs have written."""


class Furnisher:
    """Makes what a command names and nothing has made yet; runs are made once and copied."""

    def __init__(self, store: Path) -> None:
        self.store = store
        """Folder for what is copied."""

    def furnish(self, folder: Path, words: Sequence[str]) -> None:
        """Make what is missing.

        Args:
            folder: where a command will be run.
            words: of the command.
        """
        is_training = "learning.train" in words or tuple(words[:2]) == ("danp-cosim", "train")
        for before, word in zip(("", *words), words, strict=False):
            if before in ("--out", "-o"):
                continue
            for name in (word.partition("=")[2] or word, word.partition(":")[0]):
                self._furnish(folder, name, before, training=is_training)

    def _furnish(self, folder: Path, name: str, before: str, *, training: bool) -> None:
        made = FILES.get(name)
        if made is not None and not (folder / name).exists():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            made(folder / name)
        if before == "--data-dir" and not (folder / name).exists():
            (folder / name).mkdir()
            pictures(folder / name)
            return
        root = next((r for r in RUNS if name == r or name.startswith(f"{r}/")), None)
        if before == "--resume" and training:
            self._copy("stopped training", stopped_training, folder / name)
        elif before == "--resume":
            self._copy("stopped", stopped_run, folder / name)
        elif root is not None:
            self._copy("finished", finished_run, folder / root)

    def _copy(self, kind: str, make: Callable[[Path], None], target: Path) -> None:
        if target.exists():
            return
        if not (self.store / kind).exists():
            make(self.store / kind)
        shutil.copytree(self.store / kind, target)
