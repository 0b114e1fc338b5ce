"""The data of the built-in tasks, in volts."""

from learning.datasets.digits import digits_data
from learning.datasets.drawn import teacher_data, xor_data
from learning.datasets.iris import iris_data
from learning.datasets.mnist import mnist_data

__all__ = ["digits_data", "iris_data", "mnist_data", "teacher_data", "xor_data"]
