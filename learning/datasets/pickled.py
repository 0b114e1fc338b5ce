"""Python's pickles of arrays, as CIFAR is published in, read without running anything of theirs.

A pickle is a program: it may call whatever it names. Here only the instructions that build lists,
dictionaries, strings and numbers are let through, and the three names by which numpy stores an
array. Even these call nothing of numpy: they build notes of what was stored, which are then looked
at.
"""

import io
import pickle
import pickletools
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Those of protocols 0 to 2, which Python 2 wrote.
_INSTRUCTIONS = {
    "PROTO", "STOP", "MARK", "NONE", "NEWTRUE", "NEWFALSE", "BININT", "BININT1", "BININT2",
    "LONG1", "INT", "LONG", "BINSTRING", "SHORT_BINSTRING", "STRING", "BINUNICODE", "UNICODE",
    "EMPTY_DICT", "DICT", "EMPTY_LIST", "LIST", "EMPTY_TUPLE", "TUPLE", "TUPLE1", "TUPLE2",
    "TUPLE3", "APPEND", "APPENDS", "SETITEM", "SETITEMS", "GLOBAL", "REDUCE", "BUILD", "PUT",
    "BINPUT", "LONG_BINPUT", "GET", "BINGET", "LONG_BINGET",
}  # fmt: skip
_PUTS = ("PUT", "BINPUT", "LONG_BINPUT")
_BYTES = ("u1", b"u1", "B", b"B", "|u1", b"|u1")


class _Kept:
    """A note of what a pickle would have called, and of the state it would have given it."""

    def __init__(self, *arguments: Any) -> None:
        self.arguments, self.given = arguments, ()

    def __setstate__(self, state: Any) -> None:
        self.given = state


class _Array(_Kept):
    """In the place of an array."""


class _Type(_Kept):
    """In the place of a numpy.dtype."""


class _ArrayClass(_Kept):
    """In the place of numpy.ndarray."""


_NAMES: dict[tuple[str, str], type] = {
    ("numpy.core.multiarray", "_reconstruct"): _Array,
    ("numpy._core.multiarray", "_reconstruct"): _Array,
    ("numpy", "ndarray"): _ArrayClass,
    ("numpy", "dtype"): _Type,
}


class _Reader(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> type:
        found = _NAMES.get((module, name))
        if found is None:
            raise ValueError(f"names {module}.{name}, which no published file does")
        return found


def read_pickle(content: bytes) -> dict[Any, Any]:
    """Read a dictionary of plain values and arrays of bytes.

    Args:
        content: Of a pickle of protocol 0 to 2; strings of Python 2 become bytes.

    Returns:
        The dictionary; pass its arrays through `array_of`.

    Raises:
        ValueError: What is wrong with it, to go on from the name of a file.
    """
    _require_plain(content)
    try:
        read = _Reader(io.BytesIO(content), encoding="bytes").load()
    except ValueError:
        raise
    except MemoryError:
        raise ValueError("holds more than there is memory for") from None
    except Exception as error:  # noqa: BLE001 - a damaged pickle may end in any of them
        raise ValueError(f"is a damaged pickle: {type(error).__name__}") from None
    if isinstance(read, dict):
        return read
    raise ValueError(f"holds a pickled {type(read).__name__.lstrip('_')}, wanted a dictionary")


def array_of(value: Any) -> NDArray[np.uint8] | None:
    """Return an array of unsigned bytes that a pickle held, read-only; None for anything else."""
    if not isinstance(value, _Array):
        return None
    match value.given:
        case (_, tuple(shape), _Type(arguments=(kind, *_)), bool(columns_first), bytes(content)):
            lengths_fit = all(type(n) is int and n >= 0 for n in shape)
            if kind in _BYTES and lengths_fit and prod(shape) == len(content):
                order = "F" if columns_first else "C"
                return np.frombuffer(content, dtype=np.uint8).reshape(shape, order=order)
    return None


def _require_plain(content: bytes) -> None:
    """Let no instruction through that published files do without, before any is followed."""
    puts = 0
    try:
        for instruction, argument, _ in pickletools.genops(io.BytesIO(content)):
            puts += instruction.name in _PUTS
            _require_known(instruction.name, argument, puts)
    except MemoryError:
        raise ValueError("holds more than there is memory for") from None
    except Exception as error:  # noqa: BLE001 - whatever a damaged pickle ends in
        raise ValueError(f"is no pickle of an image set: {_line(error)}") from None


def _require_known(name: str, argument: Any, puts: int) -> None:
    if name not in _INSTRUCTIONS:
        raise ValueError(f"has an instruction {name}")
    if name in _PUTS and int(argument) > 2 * puts:  # memory would be taken up to that place
        raise ValueError(f"keeps its value {puts} at place {argument}")


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
