"""How far an update points from the gradient: measured, and as theory has it."""

from collections.abc import Sequence
from typing import Literal

import numpy as np

from learning.arrays import Array


def angle_deg(update_a: Sequence[Array], update_b: Sequence[Array]) -> float:
    """Return the angle in degrees, 0 to 180, between two updates, all arrays concatenated.

    Raises:
        ValueError: If the sizes differ, a value is not finite, or an update is zero.
    """
    a, b = (np.concatenate([np.ravel(x) for x in u]) for u in (update_a, update_b))
    if a.size != b.size:
        raise ValueError(f"angle: both updates must have one size, got {a.size} and {b.size}")
    for label, vector in (("first", a), ("second", b)):
        if not np.all(np.isfinite(vector)):
            raise ValueError(f"angle: {label} update holds a value that is not finite")
        if not np.any(vector):
            raise ValueError(f"angle: {label} update is zero and has no direction")
    # Scaling by the largest entry keeps the squares of tiny updates from vanishing; half-angle
    # form (Kahan), since arccos of a cosine near 1 loses half of the digits.
    a, b = a / np.max(np.abs(a)), b / np.max(np.abs(b))
    a, b = a / np.linalg.norm(a), b / np.linalg.norm(b)
    return float(np.degrees(2.0 * np.arctan2(np.linalg.norm(a - b), np.linalg.norm(a + b))))


def expected_angle_deg(
    node_gradients: Sequence[Array],
    layer_inputs: Sequence[Array],
    draws: int,
    *,
    rule: Literal["anp", "np"] = "anp",
) -> float:
    """Return the angle to the gradient that the mean weight update of K noise draws has left.

    Derivation. Let one sample have g = ∂L/∂a over all N units, and let the noise be small, so
    that δL = g·δa. Let δa be Gaussian and isotropic in N dimensions. ANP's signal is
    u = N (g·s) s with s = δa/‖δa‖ uniform on the sphere, where E[s_i s_j] = δ_ij/N and
    E[s_i s_j s_k s_m] = (δ_ij δ_km + δ_ik δ_jm + δ_im δ_jk)/(N(N+2)). Hence ::

        E[u] = g        E[u uᵀ] = c (‖g‖² I + 2 g gᵀ),  c = N/(N+2)

    NP's signal (g·ε) ε/σ² has the same form with c = 1: the division by ‖δa‖² buys ANP a factor
    (N+2)/N in draws. The weight update of sample b is U = u_l ⊗ x̄_{l-1} over all layers; its mean
    over samples and draws is the gradient G. Let ê = G/‖G‖, h_i = Σ_j ê_ij x̄_j the projection of
    unit i's row on ê, so that U·ê = u·h and G_b·ê = g·h, and s² = Σ_i ‖x̄_l(i)‖². Then one draw of
    sample b scatters across ê by ::

        V_b = [c(‖g‖² s² + 2‖G_b‖²) - ‖G_b‖²] - [c(‖g‖²‖h‖² + 2(g·h)²) - (g·h)²]

    and, draws and samples being independent, the mean over K draws of each of B samples by
    Σ_b V_b/(B² K). The result is arctan √(Σ_b V_b/(B² K ‖G‖²)): the root mean square of the part
    across G over the mean of the part along G. Both moments are exact under the assumptions. For
    one sample of a single layer it is tan² = N(N-1)/((N+2)K).

    The assumptions hold for a single layer. In a deeper one δa also carries noise passed on
    by earlier layers, so that ANP has a bias which no number of draws removes; NP has none.

    Args:
        node_gradients: ∂L/∂a_l of each sample, shapes (B, N_l).
        layer_inputs: x̄_{l-1} of each sample, shapes (B, N_{l-1}); append a column of ones where
            biases are learned too.
        draws: K, noise draws for each sample.
        rule: "anp" for Gaussian ANP, "np" for Gaussian NP.

    Raises:
        ValueError: If K is below 1 or the mean gradient is zero.
    """
    if draws < 1:
        raise ValueError(f"expected angle: draws must be 1 or more, got {draws}")
    pairs = list(zip(node_gradients, layer_inputs, strict=True))
    batch, units = len(node_gradients[0]), sum(g.shape[1] for g in node_gradients)
    gradient = [g.T @ x / batch for g, x in pairs]
    square = float(sum(np.sum(w**2) for w in gradient))
    if square == 0.0:
        raise ValueError("expected angle: the gradient is zero and has no direction")
    c = units / (units + 2) if rule == "anp" else 1.0
    projections = [x @ (w / np.sqrt(square)).T for (_, x), w in zip(pairs, gradient, strict=True)]
    zero = np.zeros(batch)
    g2 = sum((np.sum(g**2, axis=1) for g, _ in pairs), zero)
    s2 = sum((g.shape[1] * np.sum(x**2, axis=1) for g, x in pairs), zero)
    whole = sum((np.sum(g**2, axis=1) * np.sum(x**2, axis=1) for g, x in pairs), zero)
    h2 = sum((np.sum(h**2, axis=1) for h in projections), zero)
    along = sum((np.sum(g * h, axis=1) for (g, _), h in zip(pairs, projections, strict=True)), zero)
    scatter = c * g2 * (s2 - h2) + (2 * c - 1) * (whole - along**2)
    return float(np.degrees(np.arctan(np.sqrt(np.sum(scatter) / (batch**2 * draws * square)))))
