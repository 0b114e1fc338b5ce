"""Products by either library are the products."""

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensorMode

from learning.scale import products
from learning.scale.products import affine, subtract_outer, suits_onednn, summed_outer

EPS = {torch.float32: 2.0**-24, torch.float64: 2.0**-53}
SMALL, LARGE = (3, 5, 4), (64, 500, 200)  # m, k, n: below and above what oneDNN is asked for


def drawn(seed: int, *shape: int, dtype: torch.dtype) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def bound(x: Tensor, w: Tensor) -> Tensor:
    """Of the rounding of x wᵀ, term by term: (k + 2) ε |x| |w|ᵀ (Higham, 2002, Eq. 3.13)."""
    return (x.shape[1] + 2) * EPS[x.dtype] * (x.double().abs() @ w.double().abs().T + 1)


@pytest.mark.parametrize("dtype", EPS)
@pytest.mark.parametrize("size", [SMALL, LARGE])
@torch.no_grad()
def test_a_product_is_the_product_whoever_computes_it(
    size: tuple[int, int, int], dtype: torch.dtype
) -> None:
    m, k, n = size
    x, w, b = drawn(0, m, k, dtype=dtype), drawn(1, n, k, dtype=dtype), drawn(2, n, dtype=dtype)
    exact = x.double() @ w.double().T
    assert torch.all((affine(x, w).double() - exact).abs() <= bound(x, w))
    assert torch.all((affine(x, w, b).double() - exact - b.double()).abs() <= 3 * bound(x, w))
    # Views of other strides: columns, and every second row.
    wide = drawn(3, k, 2 * n, dtype=dtype)
    views = (x.T.contiguous().T, wide.T[::2])
    exact = views[0].double() @ views[1].double().T
    assert torch.all((affine(*views).double() - exact).abs() <= bound(*views))


@pytest.mark.parametrize("dtype", EPS)
@pytest.mark.parametrize("size", [SMALL, LARGE])
@torch.no_grad()
def test_outer_products_add_up_and_are_taken_away(
    size: tuple[int, int, int], dtype: torch.dtype
) -> None:
    b, m, n = size
    x, y = drawn(0, b, m, dtype=dtype), drawn(1, b, n, dtype=dtype)
    exact = x.double().T @ y.double()
    out = torch.full((m, n), torch.nan, dtype=dtype)
    assert torch.all((summed_outer(x, y, out).double() - exact).abs() <= bound(x.T, y.T))
    start = drawn(2, m, n, dtype=dtype)
    moved = start.clone()
    subtract_outer(moved, x, y, 0.5)
    # Sum, factor and difference are rounded once more each.
    assert torch.all((moved - start + 0.5 * exact).abs() <= 5 * bound(x.T, y.T))
    moved = start.clone()
    subtract_outer(moved, x.bfloat16(), y.bfloat16(), 0.5)
    # Factors and sum keep 8 bits each.
    assert moved.dtype is dtype
    assert torch.all((moved - start + 0.5 * exact).abs() <= 3 * 2.0**-8 * (x.abs().T @ y.abs()))


def test_gradients_flow_and_so_do_tensors_of_no_memory() -> None:
    m, k, n = LARGE
    x, w = drawn(0, m, k, dtype=torch.float32), drawn(1, n, k, dtype=torch.float32)
    w.requires_grad_(True)
    (found,) = torch.autograd.grad(affine(x, w).sum(), w)
    torch.testing.assert_close(found, x.sum(0).expand(n, k))
    assert not suits_onednn(x, w)
    with torch.no_grad(), FakeTensorMode():
        for device in ("cpu", "cuda", "meta"):
            a, c = torch.empty(m, k, device=device), torch.empty(n, k, device=device)
            assert affine(a, c).shape == (m, n)
            assert affine(a, c).device.type == device
            assert suits_onednn(a, c) <= (device == "cpu")


@torch.no_grad()
def test_only_large_products_of_single_precision_go_to_onednn() -> None:
    if not torch.backends.mkldnn.is_available():
        pytest.skip("this torch was built without oneDNN")
    m, k, n = LARGE
    for dtype in EPS:
        x, w = drawn(0, m, k, dtype=dtype), drawn(1, n, k, dtype=dtype)
        assert suits_onednn(x, w) == (dtype is torch.float32)
        assert not suits_onednn(x[:1], w)


def refuses(*_: Any) -> Tensor:
    raise RuntimeError("_linear_pointwise() expected at most 7 arguments")


@pytest.mark.parametrize("other", [refuses, lambda x, *_: x, None])
def test_another_operator_under_that_name_is_not_asked(
    other: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As another release of torch may have it: other arguments, another product, or none."""
    kernel = torch.ops.mkldnn
    with monkeypatch.context() as patch:
        if other is None:
            patch.setattr(torch.ops, "mkldnn", object())
        else:
            patch.setattr(kernel, "_linear_pointwise", SimpleNamespace(default=other))
        found = products._found_onednn()
    assert found is None
    monkeypatch.setattr(products, "_ONEDNN", found)
    m, k, n = LARGE
    x, w = drawn(0, m, k, dtype=torch.float32), drawn(1, n, k, dtype=torch.float32)
    with torch.no_grad():
        assert not suits_onednn(x, w)
        assert torch.equal(affine(x, w), torch.mm(x, w.T))
