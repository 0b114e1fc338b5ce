"""The image sets by name: found below a folder, read, checked, and drawn from."""

from pathlib import Path
from typing import TypeAlias

import numpy as np

from learning.datasets.cifar import LAYOUTS, find_cifar, read_cifar
from learning.datasets.digits import LEVELS, SAMPLES, read_digits, split_digits
from learning.datasets.download import PAGE, Tell, default_folder, fetch
from learning.datasets.idx_folder import CLASSES, file_names, read_part, require_folder
from learning.datasets.image_set import ImageSet, Labels, Pixels, grey_of
from learning.datasets.published import DIGITS, IMAGE_SETS, PUBLISHED, PublishedSet
from learning.datasets.stratified import stratified

DIGITS_TRAIN = 1437
"""Digits to learn from where no other number is asked for, as the task `digits` has it."""

_BLACK = 255
_STEMS = (("train-images", 3), ("train-labels", 1), ("t10k-images", 3), ("t10k-labels", 1))

_Part: TypeAlias = tuple[Pixels, Labels]
_Parts: TypeAlias = tuple[Pixels, Labels, Pixels, Labels]


def task_generator(seed: int) -> np.random.Generator:
    """Return the generator that `python -m sim.run --seed SEED` draws a task's samples from.

    With it, and as many samples, `load_images` takes the images that the tasks `digits` and `mnist`
    take, so that what is learned on one side can be scored on the other's held-out images.
    """
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(0,)))


def load_images(
    name: str,
    data_dir: Path | None = None,
    *,
    download: bool = False,
    train_samples: int | None = None,
    test_samples: int | None = None,
    rng: np.random.Generator | None = None,
    tell: Tell = lambda _: None,
) -> ImageSet:
    """Read a set of images.

    Args:
        name: One of `IMAGE_SETS`.
        data_dir: Folder of the published files, or the folder above; None for the user's cache,
            which is where downloads go to.
        download: Fetch files that are not there, and hold those that are against their checksums.
        train_samples: Draw so many of the train images; None takes all, as they are published.
            Of "digits", which comes as one set: 1,437, and the others are the test set.
        test_samples: Draw so many of the test images; None takes all.
        rng: Source of the draws, in which each class has its share; None takes `task_generator(0)`.
        tell: Told of each file that is fetched, in a line, before it is.

    Returns:
        The set. Mean and standard deviation of its grey are the paper's constants where it has
        some, and computed otherwise: of all train images of a file, of the drawn ones of "digits".

    Raises:
        ValueError: One line that says which file, number or name is wrong.
    """
    rng = rng or task_generator(0)
    if name == DIGITS:
        return _digits(data_dir, train_samples, test_samples, rng, download=download)
    if name not in PUBLISHED:
        raise ValueError(f"no image set {name!r}; known: {', '.join(IMAGE_SETS)}")
    published = PUBLISHED[name]
    if data_dir is None:
        data_dir = default_folder()
        _require_fetched(published, data_dir, download=download)
    elif data_dir.exists() or not download:
        require_folder(data_dir, f"{published.title}'s files")
    if download:
        _download(published, data_dir, tell)
    (images, labels, others, other_labels), where = _read(published, data_dir)
    _require_parts(published, where, labels, other_labels)
    classes = LAYOUTS[name].classes if published.kind == "cifar" else CLASSES
    grey = grey_of(images, _BLACK, published.normalisation)
    source = _source(published, where, len(labels), len(other_labels))
    if train_samples is not None or test_samples is not None:
        # The train set first, and even whole: the test set is then the one that a task draws.
        wanted = len(labels) if train_samples is None else train_samples
        _require_count(name, "train", wanted, classes, len(labels))
        first = stratified(labels, wanted, rng)
        images, labels = images[first], labels[first]
        source += f"; {len(labels):,} train images drawn"
    others, other_labels, drawn = _tested(name, (others, other_labels), test_samples, classes, rng)
    return ImageSet(name, images, labels, others, other_labels, classes, grey, f"{source}{drawn}")


def _digits(
    data_dir: Path | None,
    train: int | None,
    test: int | None,
    rng: np.random.Generator,
    *,
    download: bool,
) -> ImageSet:
    if data_dir is not None or download:
        given = "--download" if data_dir is None else "--data-dir"
        raise ValueError(f"{DIGITS}: comes with scikit-learn and reads no files; leave {given} out")
    train = DIGITS_TRAIN if train is None else train
    _require_count(DIGITS, "train", train, CLASSES, SAMPLES - CLASSES)
    images, labels = read_digits()
    first, second = split_digits(labels, train, rng)
    images = images[:, None]
    grey = grey_of(images[first], LEVELS)
    others, other_labels, drawn = _tested(
        DIGITS, (images[second], labels[second]), test, CLASSES, rng
    )
    source = f"scikit-learn's digits, {train:,} and {len(second):,} of {SAMPLES:,} images{drawn}"
    return ImageSet(
        DIGITS, images[first], labels[first], others, other_labels, CLASSES, grey, source
    )


def _tested(
    name: str, part: _Part, count: int | None, classes: int, rng: np.random.Generator
) -> tuple[Pixels, Labels, str]:
    """The test images asked for, and what to say of them."""
    images, labels = part
    if count is None:
        return images, labels, ""
    _require_count(name, "test", count, classes, len(labels))
    kept = stratified(labels, count, rng)
    return images[kept], labels[kept], f"; {count:,} test images drawn"


def _require_count(name: str, part: str, count: int, least: int, most: int) -> None:
    if not least <= count <= most:
        raise ValueError(
            f"{name}: {part} samples must be {least} to {most:,}, got {count:,}; give another "
            f"--{part}-samples"
        )


def _places(published: PublishedSet, data_dir: Path) -> list[Path]:
    """Folders that files may be in: the one given, and those below it that programs use."""
    return [data_dir, *(data_dir / name for name in published.folders)]


def _has_idx(folder: Path) -> bool:
    return any((folder / name).is_file() for stem in _STEMS for name in file_names(*stem))


def _holds(published: PublishedSet, folder: Path) -> bool:
    if published.kind == "idx":
        return _has_idx(folder)
    return find_cifar(LAYOUTS[published.name], folder) is not None


def _found(published: PublishedSet, data_dir: Path) -> Path | None:
    """The first folder that holds one of a set's files, in any form."""
    return next((p for p in _places(published, data_dir) if _holds(published, p)), None)


def _download(published: PublishedSet, data_dir: Path, tell: Tell) -> None:
    found = _found(published, data_dir)
    if found is None:
        fetch(published, data_dir / published.folders[0], tell)
    elif published.kind == "idx" or any((found / file.name).exists() for file in published.files):
        fetch(published, found, tell)


def _require_fetched(published: PublishedSet, folder: Path, *, download: bool) -> None:
    if not download and _found(published, folder) is None:
        megabytes = sum(file.size for file in published.files) / 1e6
        raise ValueError(
            f"{published.name}: no files in {folder}; give --data-dir DIR, or --download to fetch "
            f"{megabytes:.0f} MB from {published.address}; see {PAGE}"
        )


def _read(published: PublishedSet, data_dir: Path) -> tuple[_Parts, Path]:
    """Train and test images with their labels, and where they were."""
    found = _found(published, data_dir)
    if found is None:
        raise ValueError(
            f"--data-dir: {data_dir}: holds no files of {published.title}, wanted "
            f"{published.files[0].name}{' and others' if published.files[1:] else ''}, or give "
            f"--download; see {PAGE}"
        )
    if published.kind == "idx":
        title, advice = published.title, f"give --download to fetch it; see {PAGE}"
        images, labels = read_part(found, "train", title=title, advice=advice)
        others, other_labels = read_part(found, "t10k", title=title, advice=advice)
        return (images[:, None], labels, others[:, None], other_labels), found
    layout = LAYOUTS[published.name]
    place = find_cifar(layout, found)
    if place is None:
        raise ValueError(f"{found}: its files are gone")
    return read_cifar(layout, place), place.path


def _require_parts(published: PublishedSet, where: Path, labels: Labels, others: Labels) -> None:
    """Raise where the two parts are swapped, or the files are those of another set."""
    if (len(labels), len(others)) == (published.test, published.train):
        raise ValueError(
            f"{where}: holds {len(labels):,} images to learn from and {len(others):,} held out; "
            f"{published.title} has them the other way round, swap the files"
        )
    counts = tuple(np.bincount(labels).tolist())
    for other in PUBLISHED.values():
        if other.train_counts == counts != published.train_counts:
            raise ValueError(
                f"{where}: these are the labels of {other.title}, wanted {published.title}; give "
                f"another --data-dir, or ask for {other.name}"
            )


def _source(published: PublishedSet, where: Path, train: int, test: int) -> str:
    """One line on what was read; a part of the published images is called one."""
    sizes = (published.train, published.test)
    part = "" if (train, test) == sizes else f" (published: {sizes[0]:,} and {sizes[1]:,})"
    return f"{published.title} from {where}: {train:,} and {test:,} images{part}"
