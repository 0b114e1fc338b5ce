"""What a step asks of a machine: floating-point operations of its products, and bytes."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


@dataclass(frozen=True)
class Counts:
    """Of one step.

    Attributes:
        operations: multiplications and additions of its matrix products.
        moved: bytes that its operations read and write, each tensor once an operation; what stays
            in a cache between two of them counts as well.
        calls: operations.
    """

    operations: int
    moved: int
    calls: int


def count(step: Callable[[], object]) -> Counts:
    """Run one step and count.

    Products are counted by their shapes, everything in bytes by its tensors; views are free.
    """
    with torch.no_grad(), _Counting() as counting:
        step()
    return Counts(counting.operations, counting.moved, counting.calls)


class _Counting(TorchDispatchMode):
    def __init__(self) -> None:
        super().__init__()
        self.operations = self.moved = self.calls = 0

    def __torch_dispatch__(
        self, func: Any, types: object, args: Any = (), kwargs: Any = None
    ) -> object:
        out = func(*args, **(kwargs or {}))
        if func.is_view or func.namespace == "prim":
            return out
        given = [t for t in tree_leaves((args, kwargs or {})) if isinstance(t, Tensor)]
        made = [t for t in tree_leaves(out) if isinstance(t, Tensor)]
        self.calls += 1
        # An operation in place, or into `out=`, reads and writes what it was given.
        self.moved += sum(t.numel() * t.element_size() for t in (*given, *made))
        self.operations += _operations(func.name(), given, made)
        return out


def _operations(name: str, given: list[Tensor], made: list[Tensor]) -> int:
    """2 m n k of (m, k) times (k, n), batched or not; zero for all else."""
    if not name.startswith(_PRODUCTS) or not made:
        return 0
    columns = given[1] if name.startswith(("aten::addmm", "aten::baddbmm")) else given[0]
    return 2 * made[0].numel() * columns.shape[-1]


_PRODUCTS = (
    "aten::mm",
    "aten::addmm",
    "aten::bmm",
    "aten::baddbmm",
    "aten::linear",
    "mkldnn::_linear",
)
