"""Data sets: IDX files as their format defines them, and splits that hold every class alike."""

import gzip
import json
import re
import struct
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.datasets import load_digits

from learning import Activation, Task, make_task
from learning.datasets import digits_data, mnist_data
from learning.datasets.idx import read_idx
from learning.datasets.stratified import stratified
from sim.run import main as run

SHARED = Path(__file__).parent.parent.parent / "shared" / "data" / "mnist"
Numbers = NDArray[np.uint8]


def idx(numbers: Numbers) -> bytes:
    """The format: 0, 0, type 8, dimensions; each length in 4 bytes, big end first; the numbers."""
    return struct.pack(f">4B{numbers.ndim}I", 0, 0, 8, numbers.ndim, *numbers.shape) + bytes(
        numbers.ravel().tolist()
    )


def pictures(count: int, seed: int) -> tuple[Numbers, Numbers]:
    """Images that tell their label: row `2·label` and the next are bright."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count, dtype=np.uint8) % 10
    images = rng.integers(0, 60, (count, 28, 28), dtype=np.uint8)
    for image, label in zip(images, labels, strict=True):
        image[2 * label : 2 * label + 2] += 180
    return images, labels


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A small MNIST: 120 train images, plain; 60 test images, gzipped."""
    here = tmp_path / "data"
    here.mkdir()
    images, labels = pictures(120, 1)
    (here / "train-images.idx3-ubyte").write_bytes(idx(images))
    (here / "train-labels-idx1-ubyte").write_bytes(idx(labels))
    images, labels = pictures(60, 2)
    (here / "t10k-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx(images)))
    (here / "t10k-labels.idx1-ubyte.gz").write_bytes(gzip.compress(idx(labels)))
    return here


def mnist(folder: Path, samples: int = 100, tested: int = 50, seed: int = 0) -> Task:
    rng = np.random.default_rng(seed)
    return make_task(
        "mnist", None, samples, rng, Activation(), test_samples=tested, data_dir=folder
    )


def test_idx_is_read_in_its_own_order(tmp_path: Path) -> None:
    # Written byte by byte: 2 × 3 numbers, the last dimension fastest.
    content = bytes([0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 3, 4, 5, 255])
    for name, stored in (("plain", content), ("packed", gzip.compress(content))):
        (tmp_path / name).write_bytes(stored)
        read = read_idx(tmp_path / name, (3,))
        np.testing.assert_array_equal(read, [[1, 2, 3], [4, 5, 255]])


HEADER = struct.pack(">4B2I", 0, 0, 8, 2, 2, 3)
PACKED = gzip.compress(HEADER + b"123456")
WANTED = "wanted an IDX file of unsigned bytes in 2 dimensions"


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"", f"begins with nothing, {WANTED}"),
        (b"\0\0\x08", f"begins with 00 00 08, {WANTED}"),
        (b"PNG image", f"begins with 50 4e 47 20, {WANTED}"),
        (b"\0\0\x0d\x02" + bytes(8), f"holds numbers of type 0x0d, {WANTED} (0x08)"),
        (b"\0\0\x08\x03" + bytes(12), f"holds numbers in 3 dimensions, {WANTED}"),
        (b"\0\0\x08\x01" + bytes(4), f"holds numbers in 1 dimension, {WANTED}"),
        (HEADER[:7], f"ends within its header, {WANTED}; fetch the file again"),
        (HEADER + b"12345", "its header asks for 2 × 3 = 6 bytes, got 5; fetch the file again"),
        (HEADER + b"1234567", "its header asks for 2 × 3 = 6 bytes, got more; fetch the file"),
        (
            struct.pack(">4B2I", 0, 0, 8, 2, 2**32 - 1, 3),
            "its header asks for 4294967295 × 3 bytes, wanted at most 2,147,483,648",
        ),
        # The shape comes first: the content is neither read nor counted.
        (struct.pack(">4B2I", 0, 0, 8, 2, 2**32 - 1, 4), "wanted items of 3, got 4"),
        (gzip.compress(HEADER + b"12345"), "its header asks for 2 × 3 = 6 bytes, got 5; fetch the"),
        (gzip.compress(HEADER + bytes(99)), "its header asks for 2 × 3 = 6 bytes, got more; fetch"),
        (PACKED[:-12], "is damaged, wanted a whole gzip file: "),
        (b"\x1f\x8b" + bytes(20), "is damaged, wanted a whole gzip file: "),
        (PACKED[:10] + b"\xff" * 20, "is damaged, wanted a whole gzip file: "),
    ],
    ids=range(16),
)
def test_a_faulty_idx_file_gets_one_line(content: bytes, text: str, tmp_path: Path) -> None:
    path = tmp_path / "numbers"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=f"^{re.escape(f'{path}: {text}')}") as caught:
        read_idx(path, (3,))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_memory_follows_what_an_idx_file_holds(
    pack: Callable[[bytes], bytes], tmp_path: Path
) -> None:
    # Oracle: three numbers and a piece of reading have room in 4 MiB; the header claims 2 GiB.
    path = tmp_path / "numbers"
    path.write_bytes(pack(struct.pack(">4B3I", 0, 0, 8, 3, 2**31, 1, 1) + b"abc"))
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match=r"2147483648 × 1 × 1 = 2,147,483,648 bytes, got 3;"):
            read_idx(path, (1, 1))
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 4 * 2**20


def test_stratified_gives_every_class_its_share() -> None:
    labels = np.repeat([0, 1, 2], [70, 20, 10])
    for seed in range(20):
        for count in (0, 1, 7, 33, 100):
            picked = stratified(labels, count, np.random.default_rng(seed))
            assert len(set(picked.tolist())) == count
            shares = np.bincount(labels[picked], minlength=3) - count * np.array([0.7, 0.2, 0.1])
            assert np.all(np.abs(shares) < 1)


def test_digits_split_is_disjoint_and_stratified() -> None:
    inputs, targets, others, others_targets = digits_data(1437, np.random.default_rng(3))
    assert (inputs.shape, targets.shape) == ((1437, 64), (1437, 10))
    assert (others.shape, others_targets.shape) == ((360, 64), (360, 10))
    pixels, labels = load_digits(return_X_y=True)
    both, kinds = np.concatenate([inputs, others]), np.concatenate([targets, others_targets])
    mean = inputs.mean(axis=0)
    np.testing.assert_allclose(mean, 0, atol=1e-12)
    assert np.max(np.abs(both)) <= 1
    # Back in steps of grey, from each pixel's lightest, every digit is there once with its label.
    grey = np.rint(16 * (both - both.min(axis=0))).astype(int)
    original = np.asarray(pixels).astype(int)
    original -= original.min(axis=0)
    found = sorted(map(tuple, np.column_stack([grey, kinds.argmax(axis=1)]).tolist()))
    wanted = sorted(map(tuple, np.column_stack([original, np.asarray(labels)]).tolist()))
    assert found == wanted
    share = targets.sum(axis=0) - 1437 * kinds.sum(axis=0) / 1797
    assert np.all(np.abs(share) < 1)


def test_mnist_is_in_volts_around_the_mean_of_all_train_images(folder: Path) -> None:
    images, _ = pictures(120, 1)
    mean = images.reshape(120, 784).mean(axis=0) / 255
    task = mnist(folder)
    assert task.train_inputs.shape == (100, 784)
    assert task.test_inputs.shape == (50, 784)
    assert task.held_out
    assert task.classes == 10
    np.testing.assert_array_equal(task.train_targets.sum(axis=0), np.full(10, 10))
    np.testing.assert_array_equal(task.test_targets.sum(axis=0), np.full(10, 5))
    for inputs, targets, (originals, labels) in (
        (task.train_inputs, task.train_targets, pictures(120, 1)),
        (task.test_inputs, task.test_targets, pictures(60, 2)),
    ):
        known = {image.tobytes(): label for image, label in zip(originals, labels, strict=True)}
        grey = np.rint(255 * (inputs + mean)).astype(np.uint8).reshape(-1, 28, 28)
        assert [known[image.tobytes()] for image in grey] == targets.argmax(axis=1).tolist()
        assert len({image.tobytes() for image in grey}) == len(grey)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def relabelled(path: Path) -> None:
    path.write_bytes(idx(np.full(120, 17, np.uint8)))


def fewer(path: Path) -> None:
    path.write_bytes(idx(np.zeros(119, np.uint8)))


def smaller(path: Path) -> None:
    path.write_bytes(idx(np.zeros((120, 28, 27), np.uint8)))


def left(count: int) -> Callable[[Path], None]:
    """Keep so many of the test images, and of their labels."""

    def cut_both(path: Path) -> None:
        images, labels = pictures(count, 2)
        path.write_bytes(gzip.compress(idx(images)))
        path.with_name("t10k-labels.idx1-ubyte.gz").write_bytes(gzip.compress(idx(labels)))

    return cut_both


@pytest.mark.parametrize(
    ("name", "damage", "text"),
    [
        ("train-images.idx3-ubyte", Path.unlink, "holds no train-images-idx3-ubyte, plain or with"),
        ("t10k-labels.idx1-ubyte.gz", Path.unlink, "holds no t10k-labels-idx1-ubyte, plain or"),
        ("train-images.idx3-ubyte", cut, "120 × 28 × 28 = 94,080 bytes, got 94,079; fetch"),
        ("t10k-images-idx3-ubyte.gz", cut, "is damaged, wanted a whole gzip file"),
        ("train-labels-idx1-ubyte", relabelled, "label 1 is 17, wanted 0 to 9"),
        ("train-labels-idx1-ubyte", fewer, "holds 119 labels for the 120 images of train-images"),
        ("train-images.idx3-ubyte", smaller, "wanted items of 28 × 28, got 28 × 27"),
        ("t10k-images-idx3-ubyte.gz", left(0), "ubyte.gz: holds no images, wanted 10 or more;"),
        ("t10k-images-idx3-ubyte.gz", left(9), "ubyte.gz: holds 9 images, wanted 10 or more;"),
    ],
)
def test_a_faulty_folder_gets_one_line_and_exit_code_2(
    name: str,
    damage: Callable[[Path], None],
    text: str,
    folder: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    damage(folder / name)
    typed = ["--task", "mnist", "--data-dir", str(folder), "--engine", "ideal", "--samples", "99"]
    assert run(typed) == 2
    complaint = capsys.readouterr().err
    assert complaint.count("\n") == 1
    assert text in complaint
    assert str(folder) in complaint


@pytest.mark.parametrize(
    ("typed", "text"),
    [
        ("--task mnist", "task mnist: wanted the folder of MNIST's IDX files; give --data-dir"),
        ("--task mnist --data-dir no/such", "--data-dir: no/such: no such folder; wanted the"),
        ("--task mnist --data-dir pyproject.toml", "pyproject.toml: is a file; wanted the folder"),
        ("--task digits --data-dir .", "task digits: reads no files, got .; leave --data-dir out"),
        ("--task digits --samples 1788", "task digits: samples must be 10 to 1787, got 1788"),
        ("--task digits --test-samples 361", "test samples must be 10 to 360, got 361; give"),
        ("--task iris --test-samples 2", "task iris: test samples must be 3 to 50, got 2; give"),
        ("--task xor --test-samples 4", "xor: is tested on its training samples, got 4 test"),
        ("--task mnist --data-dir {folder} --samples 121", "samples must be at most 120, the"),
        ("--task mnist --data-dir {folder} --samples 9", "samples must be 10 or more, got 9"),
        ("--task mnist --data-dir {folder} --samples 99", "must be 10 to 60, got 500; give"),
        ("--task mnist --layers 64,10", "layers must start with 784 and end with 10, got 64,10"),
    ],
)
def test_sizes_that_do_not_fit_get_one_line(
    typed: str,
    text: str,
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(Path(__file__).parent.parent)
    assert run([*typed.format(folder=folder).split(), "--engine", "ideal"]) == 2
    complaint = capsys.readouterr().err
    assert complaint.count("\n") == 1
    assert text in complaint


def test_test_samples_are_a_stratified_part_of_what_is_held_out() -> None:
    def build(tested: int | None) -> Task:
        rng = np.random.default_rng(5)
        return make_task("iris", None, 90, rng, Activation(), test_samples=tested)

    part, whole = build(20), build(None)
    np.testing.assert_array_equal(part.train_inputs, whole.train_inputs)
    assert sorted(part.test_targets.sum(axis=0).astype(int).tolist()) == [6, 7, 7]
    rows = {tuple(row) for row in whole.test_inputs.tolist()}
    assert {tuple(row) for row in part.test_inputs.tolist()} <= rows


@pytest.mark.skipif(not SHARED.is_dir(), reason="MNIST's own files are not beside the checkout")
def test_mnist_itself() -> None:
    # Facts of the published files: 60,000 and 10,000 images, 5,421 fives to learn from and
    # 6,742 ones, an average grey value of 0.1307 of black.
    inputs, targets, others, other_targets = mnist_data(SHARED, 60000, np.random.default_rng(0))
    assert inputs.shape == (60000, 784)
    assert others.shape == (10000, 784)
    assert targets.sum(axis=0)[[1, 5]].tolist() == [6742, 5421]
    assert other_targets.sum() == 10000
    corner = -inputs[:, 0].max()
    assert corner == 0.0
    assert -inputs.min(axis=0).mean() == pytest.approx(0.1307, abs=5e-5)


def test_mnist_is_learned_from_a_folder_through_the_command_line(
    folder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    typed = (
        f"--task mnist --data-dir {folder} --engine ideal --rule bp --samples 120 --epochs 4 "
        f"--test-samples 60 --noise-off --quiet --out {out}"
    )
    assert run(typed.split()) == 0
    summary = json.loads((out / "summary.json").read_text(encoding="utf8"))
    assert summary["layers"] == [784, 32, 10]
    assert summary["accuracy"]["initial"] < 0.5
    assert summary["accuracy"]["ideal"] > 0.9  # each digit has two rows of its own
