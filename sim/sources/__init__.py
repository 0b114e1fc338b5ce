"""Noise sources: what stands at every node in every pass."""

from sim.sources.opening import (
    flip_paths,
    has_mean,
    node_sigma,
    open_recording,
    open_source,
    require_resolvable,
)
from sim.sources.source import Drawn, NodeNoise, NoiseSource

__all__ = [
    "Drawn",
    "NodeNoise",
    "NoiseSource",
    "flip_paths",
    "has_mean",
    "node_sigma",
    "open_recording",
    "open_source",
    "require_resolvable",
]
