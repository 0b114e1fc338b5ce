"""The choices that a training at scale has, by name."""

from typing import Literal, TypeAlias

DataName: TypeAlias = Literal["mnist", "fashion-mnist", "cifar10", "cifar100", "digits", "teacher"]
RuleName: TypeAlias = Literal["danp", "anp", "np", "bp"]
Optimizer: TypeAlias = Literal["adam", "sgd"]
Schedule: TypeAlias = Literal["constant", "linear"]
LossName: TypeAlias = Literal["cross-entropy", "cross-entropy-5", "squared-error"]
BatchReduction: TypeAlias = Literal["mean", "sum"]
Demean: TypeAlias = Literal["none", "batch", "learned"]
Augment: TypeAlias = Literal["none", "crop-flip"]
InputScale: TypeAlias = Literal["paper", "volts"]
Order: TypeAlias = Literal["pairs", "passes"]
Precision: TypeAlias = Literal["float32", "mixed"]

TEACHER = "teacher"
"""The data that are drawn, of numbers instead of classes (the paper's Fig. 5)."""
IMAGE_FILES = ("mnist", "fashion-mnist", "cifar10", "cifar100")
"""The data that come in files."""
