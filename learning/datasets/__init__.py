"""The data of the built-in tasks, in volts, and image sets as bytes."""

from learning.datasets.digits import digits_data
from learning.datasets.drawn import teacher_data, xor_data
from learning.datasets.image_set import Grey, Images, ImageSet, InputScale
from learning.datasets.images import load_images, task_generator
from learning.datasets.iris import iris_data
from learning.datasets.mnist import mnist_data
from learning.datasets.published import IMAGE_SETS

__all__ = [
    "IMAGE_SETS",
    "Grey",
    "ImageSet",
    "Images",
    "InputScale",
    "digits_data",
    "iris_data",
    "load_images",
    "mnist_data",
    "task_generator",
    "teacher_data",
    "xor_data",
]
