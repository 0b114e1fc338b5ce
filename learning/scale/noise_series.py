"""A recorded series on the device, read in order and wrapped around."""

from collections.abc import Mapping, Sequence
from typing import Literal

import torch
from torch import Tensor

from learning.scale.noise import DrawnNoise


class SeriesNoise(DrawnNoise):
    """A recording, one sample a node and pass, read as the paper does.

    Layer by layer, pass 1 of every sample in the batch, node after node, then pass 2; from its
    start again where it ends (arXiv 2412.12783, Appendix A). A step reads a view of the series
    and copies only where it wraps around.

    Args:
        units: N_1..N_L.
        series: ν in the order of reading, V, shape (length,), on the device.
        sigma: standard deviation of ν, V.
        start: number of the first sample read.
    """

    def __init__(self, units: Sequence[int], series: Tensor, sigma: float, start: int = 0) -> None:
        super().__init__(sigma)
        self._units = tuple(units)
        self._series = series
        self._position = start % len(series)

    def _draw(self, passes: Literal[1, 2], batch: int) -> Sequence[Tensor]:
        return [self._read(passes * batch * n).view(passes, batch, n) for n in self._units]

    def _read(self, count: int) -> Tensor:
        series, start = self._series, self._position
        end = start + count
        self._position = end % len(series)
        if end <= len(series):
            return series[start:end]
        return series[torch.arange(start, end, device=series.device) % len(series)]

    def state(self) -> dict[str, Tensor]:
        """Return the number of the sample that is read next."""
        return {"position": torch.tensor(self._position)}

    def _go_on(self, state: Mapping[str, Tensor]) -> None:
        self._position = int(state["position"])
