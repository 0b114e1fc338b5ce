"""Folders of MNIST's four IDX files: images of 28 × 28 pixels of ten classes, and their labels."""

from pathlib import Path

import numpy as np

from learning.datasets.idx import read_idx
from learning.datasets.image_set import Labels, Pixels

SIDE = 28
CLASSES = 10


def require_folder(folder: Path, wanted: str) -> None:
    """Raise a ValueError of one line unless a folder is there and can be read.

    Args:
        folder: From `--data-dir`.
        wanted: What it should hold, to go on from "the folder of".
    """
    try:
        what = "is a file" if folder.exists() else "no such folder"
        if folder.is_dir():
            next(folder.iterdir(), None)
            return
    except OSError as error:
        what = f"cannot read: {error.strerror}"
    raise ValueError(f"--data-dir: {folder}: {what}; wanted the folder of {wanted}")


def read_part(folder: Path, part: str, *, title: str, advice: str) -> tuple[Pixels, Labels]:
    """Read images and labels of one of the two parts.

    Args:
        folder: Holds `{part}-images-idx3-ubyte` and `{part}-labels-idx1-ubyte`; plain or gzipped,
            with `.gz` or not, and with `.idx` for `-idx` or not.
        part: "train" or "t10k".
        title: Of the set, for messages.
        advice: What to do where a file is not there, for messages.

    Returns:
        Images of shape (S, 28, 28) and labels of shape (S,).

    Raises:
        ValueError: One line that says which file is wrong, and how.
    """
    path, beside = (
        _find(folder, f"{part}-images", 3, advice),
        _find(folder, f"{part}-labels", 1, advice),
    )
    images, labels = read_idx(path, (SIDE, SIDE)), read_idx(beside, ())
    if len(images) != len(labels):
        raise ValueError(
            f"{beside}: holds {len(labels):,} labels for the {len(images):,} images of "
            f"{path.name}; take both files from one set"
        )
    if len(images) < CLASSES:
        raise ValueError(
            f"{path}: holds {len(images) or 'no'} images, wanted {CLASSES} or more; take {title}'s "
            "own file"
        )
    wrong = np.flatnonzero(labels >= CLASSES)
    if len(wrong):
        k = int(wrong[0])
        raise ValueError(f"{beside}: label {k + 1} is {labels[k]}, wanted 0 to {CLASSES - 1}")
    return images, labels.astype(np.int64)


def file_names(stem: str, dimensions: int) -> tuple[str, ...]:
    """Return the names that a file may have, as in `train-images`, 3."""
    plain = f"{stem}-idx{dimensions}-ubyte"
    dotted = plain.replace("-idx", ".idx")
    return plain, f"{plain}.gz", dotted, f"{dotted}.gz"


def _find(folder: Path, stem: str, dimensions: int, advice: str) -> Path:
    names = file_names(stem, dimensions)
    for name in names:
        if (folder / name).is_file():
            return folder / name
    raise ValueError(f"--data-dir: {folder}: holds no {names[0]}, plain or with .gz; {advice}")
