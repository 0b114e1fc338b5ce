"""Image sets by name: IDX files, digits, draws of samples, and what is said where they fail."""

import gzip
import re
import shutil
import struct
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from image_files import idx, require_one_line, write_idx_set

from learning import Activation, make_task
from learning.datasets import IMAGE_SETS, ImageSet, load_images, task_generator
from learning.datasets import images as image_sets
from learning.datasets.digits import digits_data
from learning.datasets.image_set import grey_of
from learning.datasets.published import PUBLISHED

SHARED = Path(__file__).parent.parent.parent / "shared" / "data" / "mnist"


def volts(images: ImageSet, part: str) -> np.ndarray:
    """The scale of the circuits, in double precision: shape (S, N_0)."""
    pixels = getattr(images, part).pixels
    inputs = pixels / images.level - images.grey.pixel_mean
    return inputs.reshape(len(inputs), -1)


@pytest.mark.parametrize(
    ("name", "below"),
    [
        ("mnist", "."),
        ("mnist", "mnist"),
        ("mnist", "MNIST/raw"),
        ("fashion-mnist", "."),
        ("fashion-mnist", "FashionMNIST/raw"),
    ],
)
def test_idx_sets_are_found_below_the_folder(name: str, below: str, tmp_path: Path) -> None:
    numbers = write_idx_set(tmp_path / below)
    images = load_images(name, tmp_path)
    np.testing.assert_array_equal(images.train_images[:, 0], numbers["train-images-idx3-ubyte"])
    np.testing.assert_array_equal(images.train_labels, numbers["train-labels-idx1-ubyte"])
    np.testing.assert_array_equal(images.test_images[:, 0], numbers["t10k-images-idx3-ubyte"])
    np.testing.assert_array_equal(images.test_labels, numbers["t10k-labels-idx1-ubyte"])
    grey = numbers["train-images-idx3-ubyte"] / 255
    wanted = (0.1307, 0.3081) if name == "mnist" else (grey.mean(), grey.std())
    np.testing.assert_allclose((images.mean[0], images.std[0]), wanted, rtol=1e-12)


def test_files_of_mnist_are_not_taken_for_fashion_mnist(tmp_path: Path) -> None:
    # Both have files of the same names. Published: 5,923 zeros, 6,742 ones, … of MNIST, and 6,000
    # of each class of the other.
    counts = {
        "mnist": [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949],
        "fashion-mnist": [6000] * 10,
    }
    blank = gzip.compress(
        struct.pack(">4B3I", 0, 0, 8, 3, 60000, 28, 28) + bytes(60000 * 784), compresslevel=1
    )
    for name, other in (("mnist", "fashion-mnist"), ("fashion-mnist", "mnist")):
        folder = tmp_path / name
        write_idx_set(folder)
        labels = np.repeat(np.arange(10, dtype=np.uint8), counts[name])
        (folder / "train-images-idx3-ubyte.gz").write_bytes(blank)
        (folder / "train-labels-idx1-ubyte.gz").write_bytes(gzip.compress(idx(labels)))
        assert len(load_images(name, folder).train) == 60000
        with pytest.raises(ValueError, match=f"these are the labels of .* or ask for {name}$"):
            load_images(other, folder)


def test_parts_that_are_swapped_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_idx_set(tmp_path, train=20, test=30)
    small = replace(PUBLISHED["mnist"], train=30, test=20)
    monkeypatch.setattr(image_sets, "PUBLISHED", {"mnist": small})
    with pytest.raises(ValueError, match="MNIST has them the other way round, swap the files"):
        load_images("mnist", tmp_path)


Damage = Callable[[Path], object]


@pytest.mark.parametrize(
    ("damage", "text"),
    [
        (lambda f: (f / "t10k-labels-idx1-ubyte").unlink(), "with .gz; give --download"),
        (lambda f: (f / "train-images-idx3-ubyte.gz").unlink(), "holds no train-images-idx3-ubyte"),
        (lambda f: shutil.copy(f / "t10k-labels-idx1-ubyte", f / "train-labels-idx1-ubyte"), "20 "),
        (lambda f: (f / "t10k-images-idx3-ubyte").write_bytes(b"<html>"), "begins with 3c 68 74"),
    ],
)  # fmt: skip
def test_a_folder_that_is_half_there_gets_one_line(
    damage: Damage, text: str, tmp_path: Path
) -> None:
    write_idx_set(tmp_path)
    damage(tmp_path)
    with pytest.raises(ValueError, match=re.escape(text)) as caught:
        load_images("mnist", tmp_path)
    assert str(tmp_path) in str(caught.value)
    require_one_line(caught)


@pytest.mark.parametrize(
    ("name", "given", "text"),
    [
        ("svhn", {}, "no image set 'svhn'; known: mnist, fashion-mnist, cifar10, cifar100"),
        ("mnist", {"data_dir": "no/such"}, "--data-dir: no/such: no such folder; wanted the"),
        ("cifar10", {"data_dir": "{}/file"}, "/file: is a file; wanted the folder of CIFAR-10's"),
        ("cifar10", {"data_dir": "{}/file", "download": True}, "/file: is a file; wanted the"),
        ("cifar100", {"data_dir": "{}"}, "holds no files of CIFAR-100, wanted cifar-100-binary.t"),
        ("fashion-mnist", {"data_dir": "{}"}, "wanted train-images-idx3-ubyte.gz and others, or"),
        ("cifar10", {}, "no files in "),
        ("cifar10", {}, "--download to fetch 170 MB from https://www.cs.toronto.edu/~kriz/; see "),
        ("digits", {"data_dir": "{}"}, "reads no files; leave --data-dir out"),
        ("digits", {"download": True}, "reads no files; leave --download out"),
        ("digits", {"train_samples": 9}, "train samples must be 10 to 1,787, got 9; give another"),
        ("digits", {"test_samples": 361}, "test samples must be 10 to 360, got 361; give another"),
        ("mnist", {"data_dir": "{}/idx", "train_samples": 31}, "must be 10 to 30, got 31; give"),
        ("mnist", {"data_dir": "{}/idx", "test_samples": 9}, "must be 10 to 20, got 9; give"),
    ],
)  # fmt: skip
def test_what_cannot_be_had_gets_one_line(
    name: str, given: dict, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "file").touch()
    write_idx_set(tmp_path / "idx")
    given = dict(given)
    if "data_dir" in given:
        given["data_dir"] = Path(given["data_dir"].format(tmp_path))
    with pytest.raises(ValueError, match=re.escape(text)) as caught:
        load_images(name, **given)
    require_one_line(caught)


def task_seed(seed: int) -> np.random.Generator:
    """The first of six sequences that a run spawns of its seed, as sim/preparation.py does."""
    return np.random.default_rng(np.random.SeedSequence(seed).spawn(6)[0])


@pytest.mark.parametrize(("seed", "samples", "tested"), [(0, 1437, None), (5, 1000, 100)])
def test_digits_are_those_of_the_task(seed: int, samples: int, tested: int | None) -> None:
    # Oracle: the task that a circuit is trained on. Equal to the last bit.
    task = make_task("digits", None, samples, task_seed(seed), Activation(), test_samples=tested)
    images = load_images(
        "digits", train_samples=samples, test_samples=tested, rng=task_generator(seed)
    )
    np.testing.assert_array_equal(volts(images, "train"), task.train_inputs)
    np.testing.assert_array_equal(volts(images, "test"), task.test_inputs)
    np.testing.assert_array_equal(np.eye(10)[images.train_labels], task.train_targets)
    np.testing.assert_array_equal(np.eye(10)[images.test_labels], task.test_targets)


def test_digits_come_as_the_task_has_them_where_nothing_is_asked() -> None:
    images = load_images("digits")
    inputs, _, others, _ = digits_data(1437, task_seed(0))
    np.testing.assert_array_equal(volts(images, "train"), inputs)
    np.testing.assert_array_equal(volts(images, "test"), others)
    assert images.shape == (1, 8, 8)
    assert images.level == 16
    np.testing.assert_allclose(images.mean, (images.train_images / 16).mean(), rtol=1e-12)
    np.testing.assert_allclose(images.std, (images.train_images / 16).std(), rtol=1e-12)


@pytest.mark.parametrize("samples", [20, 30])
def test_mnist_draws_the_samples_of_the_task(samples: int, tmp_path: Path) -> None:
    write_idx_set(tmp_path)
    task = make_task(
        "mnist", None, samples, task_seed(3), Activation(), test_samples=10, data_dir=tmp_path
    )
    images = load_images(
        "mnist",
        tmp_path,
        train_samples=None if samples == 30 else samples,
        test_samples=10,
        rng=task_generator(3),
    )
    np.testing.assert_array_equal(volts(images, "train"), task.train_inputs)
    np.testing.assert_array_equal(volts(images, "test"), task.test_inputs)
    assert "; 10 test images drawn" in images.source


def test_grey_is_the_mean_and_spread_of_the_images() -> None:
    images = np.random.default_rng(1).integers(0, 256, (2500, 3, 5, 4), dtype=np.uint8)
    grey = grey_of(images, 255)
    np.testing.assert_allclose(grey.mean, images.mean(axis=(0, 2, 3)) / 255, rtol=1e-12)
    np.testing.assert_allclose(grey.std, images.std(axis=(0, 2, 3)) / 255, rtol=1e-12)
    np.testing.assert_allclose(grey.pixel_mean, images.mean(axis=0) / 255, rtol=1e-12)


def test_the_names_are_those_of_the_documentation() -> None:
    page = (Path(__file__).parent.parent / "docs" / "image-data.md").read_text(encoding="utf8")
    assert all(f"`{name}`" in page for name in IMAGE_SETS)


@pytest.mark.skipif(not SHARED.is_dir(), reason="MNIST's own files are not beside the checkout")
def test_mnist_itself_has_the_constants_of_the_paper() -> None:
    images = load_images("mnist", SHARED)
    assert (len(images.train), len(images.test)) == (60000, 10000)
    assert "published" not in images.source
    computed = grey_of(images.train_images, 255)
    np.testing.assert_allclose((computed.mean[0], computed.std[0]), (0.1307, 0.3081), atol=5e-5)
