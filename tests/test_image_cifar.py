"""CIFAR in both forms: what was written is read, and nothing that a file holds is run."""

import gzip
import io
import pickle
import re
import struct
import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from image_files import Cifar, archive, cifar, pickled, require_one_line

from learning.datasets import archive as archives
from learning.datasets import load_images
from learning.datasets.pickled import array_of, read_pickle

FORMS = [(name, form) for name in ("cifar10", "cifar100") for form in ("binary", "python")]


def lay_out(how: str, name: str, files: Cifar, parent: Path) -> Path:
    """Put a set somewhere; return what to give as --data-dir."""
    match how:
        case "folder":
            return files.write(parent)
        case "parent":
            files.write(parent)
        case "archive":
            files.pack(parent)
        case _:
            files.pack(parent / name)
    return parent


@pytest.mark.parametrize("how", ["folder", "parent", "archive", "fetched"])
@pytest.mark.parametrize(("name", "form"), FORMS)
def test_cifar_is_read_in_every_form_and_place(
    name: str, form: str, how: str, tmp_path: Path
) -> None:
    files = cifar(name, form)
    images = load_images(name, lay_out(how, name, files, tmp_path))
    *train, test = files.files
    np.testing.assert_array_equal(
        images.train_images, np.concatenate([files.images[part] for part in train])
    )
    np.testing.assert_array_equal(
        images.train_labels, np.concatenate([files.labels[part] for part in train])
    )
    np.testing.assert_array_equal(images.test_images, files.images[test])
    np.testing.assert_array_equal(images.test_labels, files.labels[test])
    assert images.train_labels.dtype == np.int64
    assert (images.classes, images.level, images.inputs) == (
        10 if name == "cifar10" else 100,
        255,
        3072,
    )
    # The constants of the paper's code.
    assert images.mean.tolist() == [0.4914, 0.4822, 0.4465]
    assert images.std.tolist() == [0.2023, 0.1994, 0.2010]
    assert "(published: 50,000 and 10,000)" in images.source


def test_the_pickles_of_these_tests_are_pickles() -> None:
    # Oracle: Python's own reader, with numpy itself called, on bytes of this file's making.
    pixels = np.arange(12, dtype=np.uint8).reshape(3, 4)
    content = pickled({b"data": pixels, b"labels": [1, 2, 300]})
    read = pickle.loads(content, encoding="bytes")  # noqa: S301 - written a line above
    np.testing.assert_array_equal(read[b"data"], pixels)
    assert read[b"labels"] == [1, 2, 300]
    ours = array_of(read_pickle(content)[b"data"])
    assert ours is not None
    np.testing.assert_array_equal(ours, pixels)


def test_an_array_stored_by_columns_is_read_as_one() -> None:
    # The flag behind the type: Python's own reader is the oracle again.
    pixels = np.arange(12, dtype=np.uint8).reshape(3, 4)
    content = pickled({b"data": pixels}).replace(b"tb\x89U", b"tb\x88U")
    wanted = pickle.loads(content, encoding="bytes")[b"data"]  # noqa: S301 - as above
    ours = array_of(read_pickle(content)[b"data"])
    assert ours is not None
    np.testing.assert_array_equal(ours, wanted)
    assert not np.array_equal(ours, pixels)


def test_a_pickle_that_calls_anything_is_refused_however_harmless() -> None:
    # Python 3 writes strings of Python 2 as calls of _codecs.encode: refused, as all calls are.
    pixels = np.asfortranarray(np.arange(6, dtype=np.uint8).reshape(2, 3))
    with pytest.raises(ValueError, match=r"names _codecs\.encode, which no published file does"):
        read_pickle(pickle.dumps({"data": pixels}, protocol=2))


NO = "is no pickle of an image set: "


def hostile(folder: Path) -> dict[str, tuple[bytes, str]]:
    """Pickles that would write a file, take memory or reach into numpy, and what is said."""
    command = f"touch {folder / 'marker'}".encode()
    text = struct.pack("<ci", b"T", len(command)) + command
    state = b"(K\x01K\x01\x85cnumpy\ndtype\nU\x02O8K\x00K\x01\x87R\x89](" + text + b"etb"
    array = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R"
    return {
        "system": (b"\x80\x02cposix\nsystem\n" + text + b"\x85R.", "names posix.system, which no"),
        "eval": (b"\x80\x02cbuiltins\neval\n" + text + b"\x85R.", "names builtins.eval, which no"),
        "getattr": (b"c__builtin__\ngetattr\n.", "names __builtin__.getattr, which no"),
        "load": (b"\x80\x02cnumpy\nload\n" + text + b"\x85R.", "names numpy.load, which no"),
        "dotted": (b"\x80\x02cnumpy\nndarray.__class__\n.", "names numpy.ndarray.__class__, which"),
        "inst": (b"(" + text + b"iposix\nsystem\n.", NO + "has an instruction INST"),
        "obj": (b"(cnumpy\ndtype\no.", NO + "has an instruction OBJ"),
        "newobj": (b"\x80\x02cnumpy\ndtype\n)\x81.", NO + "has an instruction NEWOBJ"),
        "stack": (
            b"\x80\x04\x8c\x05posix\x8c\x06system\x93.",
            NO + "has an instruction SHORT_BINUNIC",
        ),
        "persistent": (b"Pmarker\n.", NO + "has an instruction PERSID"),
        "extension": (b"\x80\x02\x82\x01.", NO + "has an instruction EXT1"),
        # Python's reader takes eight bytes for every place up to the one named.
        "memory": (b"\x80\x02]r\xff\xff\xff\xff.", NO + "keeps its value 1 at place 4294967295"),
        "huge": (b"\x80\x02T\xff\xff\xff\x7fabc.", NO + "expected 2147"),
        "objects": (b"\x80\x02}U\x04data" + array + state + b"bs.", ""),
        "set class": (
            b"\x80\x02cnumpy\nndarray\n}U\x01aK\x01sb.",
            "is a damaged pickle: TypeError",
        ),
        "no list": (b"\x80\x02K\x01K\x02a.", "is a damaged pickle: AttributeError"),
        "no dictionary": (b"\x80\x02]K\x01a.", "holds a pickled list, wanted a dictionary"),
        "cut": (b"\x80\x02}q\x00(U\x04da", NO + "expected 4 bytes"),
        "empty": (b"", NO + "pickle exhausted before seeing STOP"),
        "a picture": (b"\x89PNG\r\n", NO + ""),
    }


@pytest.mark.parametrize("which", hostile(Path()))
def test_a_hostile_pickle_is_refused_and_never_run(which: str, tmp_path: Path) -> None:
    content, text = hostile(tmp_path)[which]
    files = cifar("cifar10", "python")
    folder = files.write(tmp_path)
    path = folder / "data_batch_3"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=f"^{re.escape(f'{path}: {text}')}") as caught:
        load_images("cifar10", folder)
    require_one_line(caught)
    assert not (tmp_path / "marker").exists()


def test_the_marker_of_the_hostile_pickle_would_be_seen(tmp_path: Path) -> None:
    # The negative above means something: Python's own reader does run it.
    content, _ = hostile(tmp_path)["system"]
    pickle.loads(content.replace(b"posix", b"os"))  # noqa: S301 - a command of this test's making
    assert (tmp_path / "marker").exists()


Damage = Callable[[Path], object]


def cut(count: int) -> Damage:
    return lambda path: path.write_bytes(path.read_bytes()[:-count])


def put(content: bytes) -> Damage:
    return lambda path: path.write_bytes(content)


def with_label(offset: int) -> Damage:
    def change(path: Path) -> None:
        content = bytearray(path.read_bytes())
        content[offset] = 100
        path.write_bytes(content)

    return change


DATA = np.zeros((2, 3072), np.uint8)


@pytest.mark.parametrize(
    ("name", "form", "file", "damage", "text"),
    [
        ("cifar10", "binary", "data_batch_2.bin", Path.unlink, "is not there, wanted all files of"),
        ("cifar10", "binary", "data_batch_2.bin", cut(1), "holds 36,875 bytes, wanted CIFAR-10's"),
        ("cifar10", "binary", "data_batch_2.bin", cut(3073), "holds 11 images, another of the"),
        ("cifar10", "binary", "test_batch.bin", put(b""), "holds 0 bytes, wanted CIFAR-10's rec"),
        ("cifar10", "binary", "test_batch.bin", put(bytes(3074)), "are records of CIFAR-100"),
        ("cifar100", "binary", "train.bin", put(bytes(3073)), "these are records of CIFAR-10"),
        ("cifar10", "binary", "data_batch_1.bin", with_label(3073), "label 2 is 100, wanted 0 to"),
        ("cifar100", "binary", "train.bin", with_label(1), "label 1 is 100, wanted 0 to 99"),
        ("cifar100", "python", "test", Path.unlink, "is not there, wanted all files of the set"),
        ("cifar100", "python", "test", cut(9), NO + ""),
        ("cifar100", "python", "test", put(pickled({b"labels": []})), "these are CIFAR-10's"),
        ("cifar10", "python", "test_batch", put(pickled({b"fine_labels": []})), "are CIFAR-100's"),
        ("cifar10", "python", "test_batch", put(pickled({})), "holds no labels; fetch it again"),
        (
            "cifar10", "python", "test_batch", put(pickled({b"labels": [1], b"data": DATA})),
            "holds 1 labels for its 2 images",
        ),
        (
            "cifar10", "python", "test_batch", put(pickled({b"labels": [1, b"2"], b"data": DATA})),
            "labels is no list of whole numbers",
        ),
        (
            "cifar10", "python", "test_batch", put(pickled({b"labels": [1, -2], b"data": DATA})),
            "label 2 is -2, wanted 0 to 9",
        ),
        (
            "cifar10", "python", "test_batch", put(pickled({b"labels": [1], b"data": [1]})),
            "its data are no array of bytes with 3,072 columns",
        ),
        (
            "cifar10", "python", "test_batch",
            put(pickled({b"labels": [1], b"data": DATA}).replace(b"(J\x02", b"(J\x03")),
            "its data are no array of bytes with 3,072 columns",
        ),
    ],
)  # fmt: skip
def test_a_faulty_file_of_cifar_gets_one_line(
    name: str, form: str, file: str, damage: Damage, text: str, *, tmp_path: Path
) -> None:
    folder = cifar(name, form).write(tmp_path)
    damage(folder / file)
    with pytest.raises(ValueError, match=re.escape(text)) as caught:
        load_images(name, tmp_path)
    assert file in str(caught.value)
    assert str(folder) in str(caught.value)
    require_one_line(caught)


def linked() -> bytes:
    """An archive whose member is a link to a file of the machine."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        member = tarfile.TarInfo("cifar-100-binary/train.bin")
        member.type, member.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(member)
    return packed.getvalue()


def twice() -> bytes:
    one, other = (io.BytesIO(gzip.decompress(archive({"cifar-100-binary/train.bin": b"a"}))),) * 2
    return gzip.compress(one.getvalue()[:1024] + other.getvalue())


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"", "is damaged, wanted a whole .tar.gz: "),
        (b"PK\3\4 a zip file", "is something else, wanted the .tar.gz as it is published: Not"),
        (gzip.compress(b"no archive" * 200), "is damaged, wanted a whole .tar.gz: "),
        (archive({"cifar-100-binary/train.bin": bytes(9999)})[:-9], "is damaged, wanted a whole"),
        (archive({"../train.bin": bytes(3074)}), "holds no cifar-100-binary/train.bin; fetch"),
        (archive({"cifar-100-binary/train.bin": b""}), "holds no cifar-100-binary/test.bin; fetch"),
        (linked(), "cifar-100-binary/train.bin is no plain file in it; fetch it again"),
        (twice(), "holds cifar-100-binary/train.bin twice; fetch it again"),
    ],
    ids=range(8),
)
def test_a_faulty_archive_gets_one_line(content: bytes, text: str, tmp_path: Path) -> None:
    path = tmp_path / "cifar-100-binary.tar.gz"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=f"^{re.escape(f'{path}: {text}')}") as caught:
        load_images("cifar100", tmp_path)
    require_one_line(caught)
    assert sorted(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("name", ["cifar-100-binary/train.bin", "a" * 200_000])
def test_an_archive_is_read_no_further_than_its_bound(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A member, or a name in a header, of more bytes than all of an archive may have.
    monkeypatch.setattr(archives, "LARGEST", 100_000)
    path = tmp_path / "cifar-100-binary.tar.gz"
    path.write_bytes(archive({name: bytes(200_000)}))
    with pytest.raises(ValueError, match=r"holds more than 100,000 bytes; fetch it again"):
        load_images("cifar100", tmp_path)
