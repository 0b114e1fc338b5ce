"""MNIST's handwritten digits of 28 × 28 pixels, from its four IDX files, in volts."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from learning.arrays import Array
from learning.datasets.idx import read_idx
from learning.datasets.stratified import stratified

PIXELS = 784
_SIDE = 28
_BLACK = 255.0  # grey value that makes 1 V
_CLASSES = 10


def mnist_data(
    folder: Path, train: int, rng: np.random.Generator
) -> tuple[Array, Array, Array, Array]:
    """Draw a train set from the train files, and take the test files whole.

    Args:
        folder: Holds `train-images-idx3-ubyte`, `train-labels-idx1-ubyte` and the same two of
            `t10k`; plain or gzipped, with `.gz` or not, and with `.idx` for `-idx` or not.
        train: Size of the train set.
        rng: Source of the draw, in which each digit has its share.

    Returns:
        Train inputs (train, 784), train targets (train, 10), test inputs (T, 784) and test
        targets (T, 10). From white to black is 1 V, less the pixel's mean over *all* images of
        the train file, so that networks trained on different draws take the same inputs; inputs
        are within ±1 V, targets one-hot.

    Raises:
        ValueError: One line that says which file or size is wrong.
    """
    _require_folder(folder)
    images, labels = _read_set(folder, "train")
    if train > len(images):
        raise ValueError(
            f"task mnist: samples must be at most {len(images)}, the train images in {folder}, "
            f"got {train}"
        )
    mean = images.mean(axis=0, dtype=np.float64) / _BLACK
    first = stratified(labels, train, rng)
    inputs, targets = _volts(images[first], mean), np.eye(_CLASSES)[labels[first]]
    images, labels = _read_set(folder, "t10k")
    return inputs, targets, _volts(images, mean), np.eye(_CLASSES)[labels]


def _require_folder(folder: Path) -> None:
    try:
        what = "is a file" if folder.exists() else "no such folder"
        if folder.is_dir():
            next(folder.iterdir(), None)
            return
    except OSError as error:
        what = f"cannot read: {error.strerror}"
    raise ValueError(f"--data-dir: {folder}: {what}; wanted the folder of MNIST's IDX files")


def _volts(images: NDArray[np.uint8], mean: Array) -> Array:
    volts = images / _BLACK
    volts -= mean
    return volts


def _read_set(folder: Path, part: str) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Images of shape (S, 784) and labels of shape (S,) of one of the two sets."""
    path, beside = _find(folder, f"{part}-images", 3), _find(folder, f"{part}-labels", 1)
    images, labels = read_idx(path, (_SIDE, _SIDE)), read_idx(beside, ())
    if len(images) != len(labels):
        raise ValueError(
            f"{beside}: holds {len(labels):,} labels for the {len(images):,} images of "
            f"{path.name}; take both files from one set"
        )
    if len(images) < _CLASSES:
        raise ValueError(
            f"{path}: holds {len(images) or 'no'} images, wanted {_CLASSES} or more; take MNIST's "
            "own file"
        )
    wrong = np.flatnonzero(labels >= _CLASSES)
    if len(wrong):
        k = int(wrong[0])
        raise ValueError(f"{beside}: label {k + 1} is {labels[k]}, wanted 0 to {_CLASSES - 1}")
    return images.reshape(-1, PIXELS), labels.astype(np.int64)


def _find(folder: Path, stem: str, dimensions: int) -> Path:
    plain = f"{stem}-idx{dimensions}-ubyte"
    dotted = plain.replace("-idx", ".idx")
    for name in (plain, f"{plain}.gz", dotted, f"{dotted}.gz"):
        if (folder / name).is_file():
            return folder / name
    raise ValueError(
        f"--data-dir: {folder}: holds no {plain}, plain or with .gz; see docs/tasks.md"
    )
