"""Batches: every image once an epoch, as the formulas have it, cropped as a slow loop crops it."""

from typing import Any

import numpy as np
import pytest
import torch
from scipy.stats import chisquare
from torch import Tensor

from learning.datasets import Grey, Images, load_images
from learning.datasets.digits import digits_data
from learning.datasets.image_set import grey_of
from learning.datasets.images import task_generator
from learning.scale.augment import Crops, crop_flip, draw_crops
from learning.scale.batches import Batches

PROBABLE = 1e-3
"""p-value below which a test of chance fails; seeds are fixed, so that it does or does not."""


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def pictures(count: int = 23, channels: int = 3, classes: int = 5) -> Images:
    """Images that can be told from each other, also by a single pixel."""
    rng = np.random.default_rng(count)
    pixels = rng.integers(0, 256, (count, channels, 6, 7), dtype=np.uint8)
    return Images(pixels, np.arange(count) % classes, classes, grey_of(pixels, 255))


def made(images: Images, **given: Any) -> Batches:
    given = {"device": "cpu", "dtype": torch.float64, "batch": 5} | given
    return Batches(images, **given)


def epoch(batches: Batches) -> tuple[Tensor, Tensor]:
    inputs, targets = zip(*batches, strict=True)
    return torch.cat(inputs), torch.cat(targets)


def test_inputs_are_those_of_the_formula_to_the_last_bit() -> None:
    # Oracle: the formula in numpy. In single precision it is that of the paper's code, step by
    # step: torchvision's ToTensor divides by 255, Normalize takes the mean off and divides.
    images = pictures()
    mean, std = (getattr(images.grey, kind)[:, None, None] for kind in ("mean", "std"))
    for dtype, kind in ((torch.float64, np.float64), (torch.float32, np.float32)):
        grey = images.pixels.astype(kind) / kind(255)
        paper = (grey - mean.astype(kind)) / std.astype(kind)
        volts = grey - images.grey.pixel_mean.astype(kind)
        for scale, wanted in (("paper", paper), ("volts", volts)):
            inputs, targets = epoch(made(images, dtype=dtype, scale=scale))
            assert inputs.dtype == targets.dtype == dtype
            np.testing.assert_array_equal(inputs.numpy(), wanted.reshape(23, -1))
            np.testing.assert_array_equal(targets.numpy(), np.eye(5)[images.labels])


def test_volts_of_digits_are_those_that_a_circuit_is_given() -> None:
    images = load_images("digits", rng=task_generator(4))
    wanted = digits_data(1437, task_generator(4))
    for part, inputs, targets in (("train", *wanted[:2]), ("test", *wanted[2:])):
        got = epoch(made(getattr(images, part), batch=64, scale="volts"))
        np.testing.assert_array_equal(got[0].numpy(), inputs)
        np.testing.assert_array_equal(got[1].numpy(), targets)
        assert float(got[0].abs().max()) <= 1
    # In single precision: two roundings of numbers within 1 V, of 6e-8 V each.
    single, _ = epoch(made(images.train, dtype=torch.float32, batch=64, scale="volts"))
    np.testing.assert_allclose(single.numpy(), wanted[0], rtol=0, atol=1.2e-7)


def test_the_paper_s_scale_has_mean_zero_and_deviation_one() -> None:
    inputs, _ = epoch(made(load_images("digits").train, batch=100))
    assert float(inputs.mean()) == pytest.approx(0, abs=1e-12)
    assert float(inputs.std(unbiased=False)) == pytest.approx(1, rel=1e-12)


def test_an_epoch_is_every_image_once_and_the_last_batch_is_what_is_left() -> None:
    images = pictures()
    batches = made(images, shuffle=True, generator=seeded())
    plain, _ = epoch(made(images))
    assert (len(batches), batches.samples, batches.inputs, batches.classes) == (5, 23, 126, 5)
    assert [len(inputs) for inputs, _ in batches] == [5, 5, 5, 5, 3]
    rows = {tuple(row): k for k, row in enumerate(plain.tolist())}
    orders = []
    for _ in range(3):
        inputs, targets = epoch(batches)
        order = [rows[tuple(row)] for row in inputs.tolist()]
        assert sorted(order) == list(range(23))
        assert targets.argmax(dim=1).tolist() == [images.labels[k] for k in order]
        orders.append(order)
    assert len({tuple(order) for order in orders}) == 3


def test_orders_are_as_probable_as_each_other() -> None:
    # The first image of an epoch, over many epochs.
    images = pictures(count=5)
    batches = made(images, batch=1, shuffle=True, generator=seeded(2))
    rows = {tuple(row): k for k, row in enumerate(epoch(made(images))[0].tolist())}
    first = [rows[tuple(next(iter(batches))[0][0].tolist())] for _ in range(1000)]
    assert chisquare(np.bincount(first, minlength=5)).pvalue > PROBABLE


def slowly(image: np.ndarray, top: int, left: int, *, flip: bool) -> np.ndarray:
    """Crop one image with a border of four pixels of grey 0, pixel by pixel."""
    _, height, width = image.shape
    out = np.zeros_like(image)
    for row in range(height):
        for column in range(width):
            y, x = row + top - 4, column + left - 4
            inside = 0 <= y < height and 0 <= x < width
            place = width - 1 - column if flip else column
            out[:, row, place] = image[:, y, x] if inside else 0
    return out


def test_crops_are_those_of_a_slow_loop() -> None:
    images = pictures(count=200)
    crops = draw_crops(200, seeded(1))
    index = torch.randperm(200, generator=seeded(3))
    got = crop_flip(torch.from_numpy(images.pixels)[index], crops)
    wanted = [
        slowly(images.pixels[k], top, left, flip=flip)
        for k, top, left, flip in zip(
            index.tolist(), crops.tops.tolist(), crops.lefts.tolist(), crops.flips.tolist(),
            strict=True,
        )
    ]  # fmt: skip
    assert got.dtype == torch.uint8
    np.testing.assert_array_equal(got.numpy(), np.array(wanted))


def test_batches_crop_before_grey_becomes_an_input() -> None:
    # A border of grey 0 is not 0 once the mean is off: -mean / std, of each channel its own.
    images = pictures(count=4)
    grey = images.grey
    generator = seeded(5)
    crops = draw_crops(4, seeded(5))
    cropped = np.array(
        [
            slowly(image, int(crops.tops[k]), int(crops.lefts[k]), flip=bool(crops.flips[k]))
            for k, image in enumerate(images.pixels)
        ]
    )
    mean, std = (getattr(grey, kind)[:, None, None] for kind in ("mean", "std"))
    wanted = {"paper": (cropped / 255 - mean) / std, "volts": cropped / 255 - grey.pixel_mean}
    for scale, inputs in wanted.items():
        generator.manual_seed(5)
        got, _ = epoch(made(images, augment="crop-flip", generator=generator, scale=scale))
        np.testing.assert_array_equal(got.numpy(), inputs.reshape(4, -1))


def test_places_and_mirrors_are_as_probable_as_each_other() -> None:
    crops = draw_crops(20_000, seeded(7))
    for drawn in (crops.tops, crops.lefts):
        assert chisquare(np.bincount(drawn, minlength=9)).pvalue > PROBABLE
    # Independent of each other: all 162 combinations.
    together = (crops.tops * 9 + crops.lefts) * 2 + crops.flips
    assert chisquare(np.bincount(together, minlength=162)).pvalue > PROBABLE


def test_crops_differ_from_epoch_to_epoch() -> None:
    batches = made(pictures(), augment="crop-flip", generator=seeded())
    one, other = epoch(batches), epoch(batches)
    assert not torch.equal(one[0], other[0])
    assert torch.equal(one[1], other[1])  # unshuffled


@pytest.mark.parametrize("augment", ["none", "crop-flip"])
@pytest.mark.parametrize("after", [0, 1, 4, 5, 7])
def test_a_restored_state_goes_on_exactly(after: int, augment: str) -> None:
    # `after` batches of 5 an epoch; the stream of 3 epochs is the same with a break or without.
    def new() -> Batches:
        return made(pictures(), shuffle=True, generator=seeded(11), augment=augment)

    def stream(batches: Batches, epochs: int) -> list[Tensor]:
        return [inputs for _ in range(epochs) for inputs, _ in batches]

    whole = stream(new(), 3)
    batches, seen = new(), 0
    state = batches.state()
    while seen < after:
        for _ in batches:
            seen += 1
            if seen == after:
                state = batches.state()
                break
    second = made(pictures(), shuffle=True, generator=seeded(99), augment=augment)
    second.restore({name: tensor.clone() for name, tensor in state.items()})
    rest = stream(second, 3 - after // 5)
    assert len(rest) == len(whole) - after
    for got, wanted in zip(rest, whole[after:], strict=True):
        assert torch.equal(got, wanted)


def test_a_state_that_was_just_restored_is_the_same_state() -> None:
    batches = made(pictures(), shuffle=True, generator=seeded(1))
    steps = iter(batches)
    next(steps)
    state = batches.state()
    second = made(pictures(), shuffle=True, generator=seeded(2))
    second.restore(state)
    again = second.state()
    assert all(torch.equal(state[name], again[name]) for name in state)


def test_batches_without_chance_need_no_generator_and_resume_too() -> None:
    batches = made(pictures())
    steps = iter(batches)
    next(steps)
    state = batches.state()
    second = made(pictures())
    second.restore(state)
    assert torch.equal(next(iter(second))[0], next(steps)[0])


def test_what_is_handed_out_is_not_the_images() -> None:
    # A step may work in place on its inputs.
    images = pictures()
    batches = made(images)
    before = epoch(batches)[0]
    for inputs, targets in batches:
        inputs.zero_()
        targets.zero_()
    assert torch.equal(epoch(batches)[0], before)
    assert images.pixels.any()


def test_arrays_that_cannot_be_written_are_taken() -> None:
    images = pictures()
    images.pixels.flags.writeable = False
    assert len(epoch(made(images))[0]) == 23


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"augment": "flip"}, "augment: wanted one of none, crop-flip, got 'flip'"),
        ({"scale": "mV"}, "scale: wanted one of paper, volts, got 'mV'"),
        ({"batch": 0}, "batch: wanted 1 or more images, got 0"),
        ({"shuffle": True}, "generator: wanted one, since order or crops are to be drawn"),
        ({"augment": "crop-flip"}, "generator: wanted one"),
    ],
)
def test_choices_that_do_not_fit_get_one_line(given: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        made(pictures(), **given)


def test_no_images_are_told() -> None:
    grey = Grey(np.zeros(1), np.ones(1), np.zeros((1, 2, 2)), 255)
    none = Images(np.zeros((0, 1, 2, 2), np.uint8), np.zeros(0, np.int64), 3, grey)
    with pytest.raises(ValueError, match="images: there are none"):
        made(none)


@pytest.mark.parametrize(("augment", "draws"), [("none", 1), ("crop-flip", 4)])
def test_batches_are_made_on_their_device_and_never_wait_for_it(
    augment: str, draws: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Meta tensors have no numbers: whatever asked for one, as a synchronisation does, would raise,
    # and so would arithmetic with a tensor of the CPU.
    batches = made(pictures(), device="meta", generator=seeded(), augment=augment, shuffle=True)
    real, moved = torch.Tensor.to, list[torch.Size]()

    def to(self: Tensor, *given: Any) -> Tensor:
        if given[0] == torch.device("meta"):
            moved.append(self.shape)
        return real(self, *given)

    monkeypatch.setattr(torch.Tensor, "to", to)
    for _ in range(2):
        moved.clear()
        for inputs, targets in batches:
            assert inputs.device.type == targets.device.type == "meta"
        # What an epoch draws goes there at its start, and nothing by batches.
        assert moved == [torch.Size([23])] * draws


def test_images_in_order_are_made_on_their_device_too() -> None:
    for augment in ("none", "crop-flip"):
        for inputs, targets in made(pictures(), device="meta", augment=augment, generator=seeded()):
            assert inputs.device.type == targets.device.type == "meta"


def test_crops_of_a_part_are_a_part_of_the_crops() -> None:
    crops = draw_crops(10, seeded())
    part = crops.at(3, 7)
    assert isinstance(part, Crops)
    assert torch.equal(part.tops, crops.tops[3:7])
    assert torch.equal(part.flips, crops.flips[3:7])
