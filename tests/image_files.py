"""Writers of small image sets in their published forms, each from the definition of its format."""

import gzip
import io
import struct
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

Numbers = NDArray[np.uint8]


def idx(numbers: Numbers) -> bytes:
    """The format: 0, 0, type 8, dimensions; each length in 4 bytes, big end first; the numbers."""
    return struct.pack(f">4B{numbers.ndim}I", 0, 0, 8, numbers.ndim, *numbers.shape) + bytes(
        numbers.ravel().tolist()
    )


def write_idx_set(folder: Path, train: int = 30, test: int = 20) -> dict[str, Numbers]:
    """Write four IDX files, those to learn from gzipped; return their numbers by name."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(train)
    numbers: dict[str, Numbers] = {}
    for part, count in (("train", train), ("t10k", test)):
        images = rng.integers(0, 256, (count, 28, 28), dtype=np.uint8)
        numbers[f"{part}-images-idx3-ubyte"] = images
        numbers[f"{part}-labels-idx1-ubyte"] = np.arange(count, dtype=np.uint8) % 10
    for name, content in numbers.items():
        packed = name.startswith("train")
        path = folder / (f"{name}.gz" if packed else name)
        path.write_bytes(gzip.compress(idx(content)) if packed else idx(content))
    return numbers


def pickled(value: object) -> bytes:
    """What Python 2 writes by protocol 2, without its memory of values that come twice.

    The instructions are those of `pickletools`; an array is what numpy's `__reduce__` gives:
    `_reconstruct(ndarray, (0,), 'b')`, and the state (1, shape, dtype, Fortran order, bytes).
    """
    return b"\x80\x02" + _value(value) + b"."


def _value(value: object) -> bytes:
    match value:
        case bytes():
            short = len(value) < 256
            head = struct.pack("<cB" if short else "<ci", b"U" if short else b"T", len(value))
            return head + value
        case int():
            return struct.pack("<ci", b"J", value)
        case list():
            return b"](" + b"".join(map(_value, value)) + b"e"
        case dict():
            return b"}(" + b"".join(_value(k) + _value(v) for k, v in value.items()) + b"u"
        case np.ndarray():
            kind = b"cnumpy\ndtype\n" + _value(b"u1") + b"K\x00K\x01\x87R"
            kind += b"(K\x03U\x01|NNN" + _value(-1) + _value(-1) + b"K\x00tb"
            shape = b"(" + b"".join(map(_value, value.shape)) + b"t"
            array = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R"
            return array + b"(K\x01" + shape + kind + b"\x89" + _value(value.tobytes()) + b"tb"
        case _:
            raise TypeError(type(value))


@dataclass(frozen=True)
class Cifar:
    """A small CIFAR in one form.

    Attributes:
        folder: As its archive has it.
        archive: The archive's name.
        files: Content by name.
        images: By name, shape (S, 3, 32, 32).
        labels: By name, shape (S,); the fine ones.
    """

    folder: str
    archive: str
    files: Mapping[str, bytes]
    images: Mapping[str, Numbers]
    labels: Mapping[str, Numbers]

    def write(self, parent: Path) -> Path:
        """Write the files into their folder, as an unpacked archive does."""
        folder = parent / self.folder
        folder.mkdir(parents=True)
        for name, content in self.files.items():
            (folder / name).write_bytes(content)
        return folder

    def pack(self, parent: Path) -> Path:
        """Write the archive."""
        parent.mkdir(parents=True, exist_ok=True)
        members = {f"{self.folder}/{name}": content for name, content in self.files.items()}
        path = parent / self.archive
        path.write_bytes(archive({f"{self.folder}/readme.html": b"hello", **members}))
        return path


def archive(members: Mapping[str, bytes]) -> bytes:
    """A .tar.gz."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz", compresslevel=1) as tar:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return packed.getvalue()


def cifar(name: str, form: str, each: int = 12) -> Cifar:
    """A set of `each` images a file; classes in turn, so that every class up to it is there."""
    ten = name == "cifar10"
    parts = [*(f"data_batch_{k}" for k in range(1, 6)), "test_batch"] if ten else ["train", "test"]
    binary = form == "binary"
    rng = np.random.default_rng(7)
    files, images, labels = {}, {}, {}
    for k, part in enumerate(parts):
        pixels = rng.integers(0, 256, (each, 3, 32, 32), dtype=np.uint8)
        fine = ((np.arange(each) + k) % (10 if ten else 100)).astype(np.uint8)
        coarse = fine // 5
        flat = pixels.reshape(each, 3072)
        if binary:
            columns = [fine[:, None], flat] if ten else [coarse[:, None], fine[:, None], flat]
            content = np.concatenate(columns, axis=1).tobytes()
        else:
            named = {b"labels": fine} if ten else {b"coarse_labels": coarse, b"fine_labels": fine}
            content = pickled(
                {
                    b"batch_label": b"a batch",
                    **{key: values.tolist() for key, values in named.items()},
                    b"data": flat,
                    b"filenames": [b"%d.png" % n for n in range(each)],
                }
            )
        path = f"{part}.bin" if binary else part
        files[path], images[path], labels[path] = content, pixels, fine
    number = "10" if ten else "100"
    batches = "batches-" if ten else ""
    ending = {"binary": "bin" if ten else "binary", "python": "py" if ten else "python"}[form]
    folder = f"cifar-{number}-{batches}{ending}"
    return Cifar(folder, f"cifar-{number}-{form}.tar.gz", files, images, labels)


def require_one_line(caught: pytest.ExceptionInfo[ValueError]) -> None:
    """The message of an error is one line, and can be read."""
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 500
