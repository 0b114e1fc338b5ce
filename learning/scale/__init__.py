"""The rules at the size of the paper's networks: torch tensors on one device, changed in place.

What `learning` states on arrays is the reference; tests hold the two equal. Importing this package
imports torch, which `learning` itself leaves to those who ask for it.
"""

from learning.scale.learner import Learner, Totals
from learning.scale.learners import make_learner
from learning.scale.network import TensorNetwork, init_network
from learning.scale.passes import Forward
from learning.scale.scoring import Score, score

__all__ = [
    "Forward",
    "Learner",
    "Score",
    "TensorNetwork",
    "Totals",
    "init_network",
    "make_learner",
    "score",
]
