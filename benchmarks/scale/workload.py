"""What everyone learns from: networks drawn once, batches that come round, and noise."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from circuits.circuit import CircuitParameters
from circuits.sampled import GaussianParameters
from learning.datasets.image_set import Images, grey_of
from learning.scale import TensorNetwork, init_network
from learning.scale.noise import Noise
from sim.scale.noise import open_noise

ETA, RATE, LEAK = 0.1 * 2.0**-11, 0.1 * 2.0**-19, 0.01
"""η and ε of arXiv 2412.12783, Table 1, MNIST, and the leak of its Appendix A."""

SIGMA = GaussianParameters().sigma
"""V; Gaussian noise of a node, as strong as the paper's two levels."""

_RING = 16  # batches drawn, which come round
_RECORDED = 5_000_000  # samples, 20 MB: read on and on, as a long recording is
_T_PASS = 25e-6  # s between samples of a junction: most of its state is kept


@dataclass(frozen=True)
class Workload:
    """One network on one device, in batches of one size.

    Attributes:
        layers: N_0..N_L.
        batch: samples an update.
        device: where.
        seed: of weights, samples and noise.
        recording: file of a recorded node voltage, for noise that is measured.
    """

    layers: tuple[int, ...]
    batch: int
    device: torch.device
    seed: int
    recording: Path | None = None

    @property
    def name(self) -> str:
        """Layers and batch, in words."""
        return f"{'-'.join(map(str, self.layers))}, batch {self.batch}"

    @property
    def weights(self) -> int:
        """How many there are, decor not counted."""
        return sum(a * b for a, b in zip(self.layers, self.layers[1:], strict=False))

    @property
    def working_set(self) -> int:
        """Bytes of weights, their gradients, Adam's two moments and decor, in float32."""
        return 4 * (4 * self.weights + sum(n * n for n in self.layers[:-1]))

    def network(self, dtype: torch.dtype = torch.float32) -> TensorNetwork:
        """The start, the same for everyone."""
        rng = np.random.default_rng(self.seed)
        return init_network(self.layers, rng, device=self.device, dtype=dtype)

    def batches(self, dtype: torch.dtype = torch.float32) -> Iterator[tuple[Tensor, Tensor]]:
        """Inputs of the spread that normalised images have, and one-hot targets; endless."""
        rng = np.random.default_rng((self.seed, 1))
        shape = (_RING, self.batch)
        inputs = rng.normal(size=(*shape, self.layers[0]))
        targets = np.eye(self.layers[-1])[rng.integers(self.layers[-1], size=shape)]
        to = {"device": self.device, "dtype": dtype}
        return cycle(
            zip(torch.as_tensor(inputs).to(**to), torch.as_tensor(targets).to(**to), strict=True)
        )

    def noise(self, source: str) -> Noise:
        """A source by its name in `circuit.noise.source`, with the project's defaults."""
        settings: dict[str, object] = {"source": source}
        if source == "measured":
            settings["measured"] = {"file": str(self.recording)}
        return open_noise(
            CircuitParameters.model_validate({"noise": settings}),
            self.layers,
            t_pass=_T_PASS,
            order="passes",
            gain=1.0,
            batch=self.batch,
            device=self.device,
            dtype=torch.float32,
            seed=np.random.SeedSequence(self.seed),
        )

    def images(self, samples: int) -> Images:
        """As many images of noise as an epoch has, of as many pixels as there are inputs."""
        rng = np.random.default_rng((self.seed, 2))
        shape = (samples, 1, 1, self.layers[0])
        pixels = rng.integers(256, size=shape, dtype=np.uint8)
        labels = rng.integers(self.layers[-1], size=samples)
        return Images(pixels, labels, self.layers[-1], grey_of(pixels, 255))


def write_recording(folder: Path, seed: int) -> Path:
    """A recording to stand for a measured one: two levels, drawn anew each sample."""
    rng = np.random.default_rng((seed, 3))
    path = folder / "recording.npy"
    np.save(path, SIGMA * (2.0 * rng.integers(2, size=_RECORDED) - 1.0))
    return path
