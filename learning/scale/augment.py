"""Images cropped at random places and mirrored, as tensors of bytes.

As the paper has it for CIFAR (arXiv 2412.12783): an image gets a border of 4 pixels of grey 0, a
part of the image's own size is cut out at a random place, and one in two, drawn, is mirrored from
left to right.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import pad

BORDER = 4
"""Pixels of grey 0 at each side; a part begins at 0 to twice as many."""


@dataclass(frozen=True)
class Crops:
    """Where each image is cut, and whether it is mirrored.

    Attributes:
        tops: First row in the bordered image, shape (S,).
        lefts: First column, shape (S,).
        flips: Whether mirrored from left to right, shape (S,).
    """

    tops: Tensor
    lefts: Tensor
    flips: Tensor

    def at(self, start: int, end: int) -> "Crops":
        """Return those of some images, in a row."""
        return Crops(self.tops[start:end], self.lefts[start:end], self.flips[start:end])

    def to(self, device: torch.device) -> "Crops":
        """Return them on a device."""
        return Crops(self.tops.to(device), self.lefts.to(device), self.flips.to(device))


def draw_crops(count: int, generator: torch.Generator) -> Crops:
    """Draw places, each as probable as any other, and mirror each image with probability ½.

    Args:
        count: S, the number of images.
        generator: Source of the draws; they are where it is.
    """
    device = generator.device
    places = torch.randint(2 * BORDER + 1, (2, count), generator=generator, device=device)
    flips = torch.randint(2, (count,), generator=generator, device=device) == 1
    return Crops(places[0], places[1], flips)


def crop_flip(images: Tensor, crops: Crops) -> Tensor:
    """Give images a border of grey 0, cut a part out of each, and mirror some.

    Args:
        images: Shape (B, C, H, W).
        crops: Of each image, on the same device.

    Returns:
        Shape (B, C, H, W).
    """
    count, _, height, width = images.shape
    # A view of every part of every image: (B, 9, 9, C, H, W), of which one of each is taken.
    parts = pad(images, (BORDER,) * 4).unfold(2, height, 1).unfold(3, width, 1)
    each = torch.arange(count, device=images.device)
    taken = parts.permute(0, 2, 3, 1, 4, 5)[each, crops.tops, crops.lefts]
    return torch.where(crops.flips[:, None, None, None], taken.flip(-1), taken)
