"""CIFAR-10 and CIFAR-100 in both published forms, as folders or as archives.

The forms (A. Krizhevsky, Learning multiple layers of features from tiny images, 2009): binary files
of records of one label byte (CIFAR-100: two, coarse and fine) and 3 × 32 × 32 bytes of red, green
and blue; and Python's pickles of a dictionary with the same numbers.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from learning.datasets.archive import LARGEST, read_members
from learning.datasets.image_set import Labels, Pixels
from learning.datasets.pickled import array_of, read_pickle

SHAPE = (3, 32, 32)
_PIXELS = 3 * 32 * 32


@dataclass(frozen=True)
class Form:
    """One form of a set.

    Attributes:
        kind: Of its files.
        folder: Of its files in the archive, and when this is unpacked.
        archive: Name of the archive.
        train: Names of the files to learn from.
        test: Name of the file that is held out.
    """

    kind: Literal["binary", "python"]
    folder: str
    archive: str
    train: tuple[str, ...]
    test: str

    @property
    def names(self) -> tuple[str, ...]:
        """All files."""
        return (*self.train, self.test)


@dataclass(frozen=True)
class Layout:
    """What tells the two sets apart.

    Attributes:
        title: Of the set.
        classes: Number of classes.
        label_bytes: Of a binary record; the last one is the class.
        label_key: Of the classes in a pickle.
        forms: In the order in which they are looked for.
    """

    title: str
    classes: int
    label_bytes: int
    label_key: str
    forms: tuple[Form, Form]

    @property
    def record(self) -> int:
        """Bytes of a binary record."""
        return self.label_bytes + _PIXELS


_BATCHES = tuple(f"data_batch_{k}" for k in range(1, 6))
LAYOUTS: Mapping[str, Layout] = {
    "cifar10": Layout(
        title="CIFAR-10",
        classes=10,
        label_bytes=1,
        label_key="labels",
        forms=(
            Form(
                "binary",
                "cifar-10-batches-bin",
                "cifar-10-binary.tar.gz",
                tuple(f"{name}.bin" for name in _BATCHES),
                "test_batch.bin",
            ),
            Form("python", "cifar-10-batches-py", "cifar-10-python.tar.gz", _BATCHES, "test_batch"),
        ),
    ),
    "cifar100": Layout(
        title="CIFAR-100",
        classes=100,
        label_bytes=2,
        label_key="fine_labels",
        forms=(
            Form(
                "binary", "cifar-100-binary", "cifar-100-binary.tar.gz", ("train.bin",), "test.bin"
            ),
            Form("python", "cifar-100-python", "cifar-100-python.tar.gz", ("train",), "test"),
        ),
    ),
}


@dataclass(frozen=True)
class Place:
    """Where a form of a set is.

    Attributes:
        form: Which.
        path: Folder of its files, or its archive.
    """

    form: Form
    path: Path


def find_cifar(layout: Layout, folder: Path) -> Place | None:
    """Return where a folder holds a set: its files, a folder of them or an archive; None if not."""
    for form in layout.forms:
        if any((folder / name).is_file() for name in form.names):
            return Place(form, folder)
    for form in layout.forms:
        if (folder / form.folder).is_dir():
            return Place(form, folder / form.folder)
    for form in layout.forms:
        if (folder / form.archive).is_file():
            return Place(form, folder / form.archive)
    return None


def read_cifar(layout: Layout, place: Place) -> tuple[Pixels, Labels, Pixels, Labels]:
    """Read train images (S, 3, 32, 32), train labels (S,), test images and test labels.

    Raises:
        ValueError: One line that says which file is wrong, and how.
    """
    parts = [_read(layout, place, content) for content in _contents(place)]
    counts = [len(labels) for _, labels in parts[:-1]]
    if len(set(counts)) > 1:
        k = counts.index(min(counts))
        raise ValueError(
            f"{place.path}: {place.form.train[k]} holds {counts[k]:,} images, another of the "
            f"train files {max(counts):,}, wanted as many in each; fetch it again"
        )
    images, labels = zip(*parts, strict=True)
    return (
        np.concatenate(images[:-1]),
        np.concatenate(labels[:-1]),
        np.array(images[-1]),
        labels[-1],
    )


def _contents(place: Place) -> list[tuple[str, bytes]]:
    """Name, for messages, and content of each file, that of the test set last."""
    form, path = place.form, place.path
    if path.is_dir():
        return [(str(path / name), _content(path / name)) for name in form.names]
    members = {name: f"{form.folder}/{name}" for name in form.names}
    found = read_members(path, members.values())
    for member in members.values():
        if member not in found:
            raise ValueError(f"{path}: holds no {member}; fetch it again")
    return [(f"{path}: {member}", found[member]) for member in members.values()]


def _content(path: Path) -> bytes:
    try:
        if not path.is_file():
            what = "is no plain file" if path.exists() else "is not there"
            raise ValueError(
                f"{path}: {what}, wanted all files of the set; unpack its archive again, or put "
                "the archive there as it is"
            )
        size = path.stat().st_size
        if size > LARGEST:
            raise ValueError(f"{path}: holds {size:,} bytes, wanted at most {LARGEST:,}")
        return path.read_bytes()
    except OSError as error:
        raise ValueError(f"{path}: cannot read: {error.strerror}") from None


def _read(layout: Layout, place: Place, named: tuple[str, bytes]) -> tuple[Pixels, Labels]:
    where, content = named
    read = _from_records if place.form.kind == "binary" else _from_pickle
    images, labels = read(layout, where, content)
    for k, label in enumerate(labels):
        if not 0 <= label < layout.classes:
            raise ValueError(f"{where}: label {k + 1} is {label}, wanted 0 to {layout.classes - 1}")
    return images.reshape(-1, *SHAPE), np.array(labels, dtype=np.int64)


def _from_records(layout: Layout, where: str, content: bytes) -> tuple[Pixels, list[int]]:
    count, rest = divmod(len(content), layout.record)
    if rest or not count:
        others = [o for o in LAYOUTS.values() if o.record != layout.record]
        found = next((o.title for o in others if content and not len(content) % o.record), None)
        advice = f"these are records of {found}" if found else "fetch it again"
        raise ValueError(
            f"{where}: holds {len(content):,} bytes, wanted {layout.title}'s records of "
            f"{layout.record:,} bytes each; {advice}"
        )
    records = np.frombuffer(content, dtype=np.uint8).reshape(count, layout.record)
    labels = records[:, layout.label_bytes - 1].tolist()
    return records[:, layout.label_bytes :], labels


def _from_pickle(layout: Layout, where: str, content: bytes) -> tuple[Pixels, list[int]]:
    try:
        read = read_pickle(content)
    except ValueError as error:
        raise ValueError(f"{where}: {error}; nothing of it was run; fetch it again") from None
    labels = read.get(layout.label_key.encode())
    if labels is None:
        others = [o for o in LAYOUTS.values() if o.label_key.encode() in read]
        advice = f"these are {others[0].title}'s" if others else "fetch it again"
        raise ValueError(f"{where}: holds no {layout.label_key}; {advice}")
    images = array_of(read.get(b"data"))
    if images is None or images.ndim != 2 or images.shape[1] != _PIXELS or not len(images):
        raise ValueError(
            f"{where}: its data are no array of bytes with {_PIXELS:,} columns; fetch it again"
        )
    if not isinstance(labels, list) or any(type(label) is not int for label in labels):
        raise ValueError(f"{where}: {layout.label_key} is no list of whole numbers; fetch it again")
    if len(labels) != len(images):
        raise ValueError(
            f"{where}: holds {len(labels):,} labels for its {len(images):,} images; fetch it again"
        )
    return images, labels
