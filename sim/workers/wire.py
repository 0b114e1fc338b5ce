"""Messages between processes: a head in JSON and raw arrays, over any stream of bytes.

A frame is `MAGIC`, the lengths of head and body as two little-endian 64-bit numbers, the head, and
the bytes of the arrays one after the other. Floats go over bit by bit.
"""

import json
import math
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

MAGIC = b"DANPWIRE"

_LENGTHS = struct.Struct("<8sQQ")
_LONGEST_HEAD = 1 << 28  # bytes; the description of 10,000 unequal strings is a tenth of it
_LONGEST_BODY = 1 << 33  # bytes; the resistors of the largest network are a hundredth of it
_TYPES = {"<f8", "<i8", "|u1"}


class WireError(Exception):
    """Bytes that are no message."""


@dataclass(frozen=True)
class Message:
    """What one process tells another.

    Attributes:
        kind: what it is.
        fields: plain values, as JSON has them.
        arrays: float64, int64 or uint8, of any shape.
    """

    kind: str
    fields: Mapping[str, Any] = field(default_factory=dict)
    arrays: Mapping[str, NDArray[Any]] = field(default_factory=dict)

    def encode(self) -> bytes:
        """As a frame.

        Raises:
            TypeError: an array of another type.
        """
        shapes, parts = [], []
        for name, array in self.arrays.items():
            kind = array.dtype.newbyteorder("<").str
            if kind not in _TYPES:
                raise TypeError(f"{name}: wanted an array of {', '.join(_TYPES)}, got {kind}")
            shapes.append((name, kind, array.shape))
            parts.append(array.astype(kind, copy=False).tobytes())
        head = json.dumps({"kind": self.kind, "fields": self.fields, "arrays": shapes}).encode()
        body = b"".join(parts)
        return b"".join([_LENGTHS.pack(MAGIC, len(head), len(body)), head, body])


class Decoder:
    """Puts messages together from bytes as they come."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    @property
    def waiting(self) -> int:
        """Bytes of a message that is not whole yet."""
        return len(self._buffer)

    def feed(self, data: bytes) -> Iterator[Message]:
        """Take bytes in, and give the messages that they complete.

        Raises:
            WireError: no message begins so.
        """
        self._buffer += data
        while len(self._buffer) >= _LENGTHS.size:
            magic, head, body = _LENGTHS.unpack_from(self._buffer)
            if magic != MAGIC:
                raise WireError(f"wanted a message, got {bytes(self._buffer[:40])!r}")
            if head > _LONGEST_HEAD or body > _LONGEST_BODY:
                raise WireError(f"a message of {head} and {body} bytes")
            whole = _LENGTHS.size + head + body
            if len(self._buffer) < whole:
                return
            middle = _LENGTHS.size + head
            message = _message(
                bytes(self._buffer[_LENGTHS.size : middle]), bytes(self._buffer[middle:whole])
            )
            del self._buffer[:whole]
            yield message


def _message(head: bytes, body: bytes) -> Message:
    try:
        tree = json.loads(head)
        kind, fields, shapes = tree["kind"], tree["fields"], tree["arrays"]
        if not (isinstance(kind, str) and isinstance(fields, dict)):
            raise WireError("a message whose head is no head")
        arrays, start = {}, 0
        for name, dtype, shape in shapes:
            if dtype not in _TYPES or any(type(n) is not int or n < 0 for n in shape):
                raise WireError(f"a message with an array of {dtype!r}, {shape!r}")
            count = math.prod(shape)
            # A copy of its own: aligned, writable, and as if it had been made here.
            arrays[name] = np.frombuffer(body, dtype, count, start).reshape(shape).copy()
            start += arrays[name].nbytes
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise WireError(f"a message that does not read: {error}") from None
    if start != len(body):
        raise WireError(f"a message with {len(body)} bytes of arrays, and {start} in its head")
    return Message(kind, fields, arrays)
