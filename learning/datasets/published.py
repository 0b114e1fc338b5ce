"""The image sets as they are published: files, addresses, checksums and sizes.

Checksums are MD5, which is what the publishers give: they tell a damaged download, not a forged
one. Sizes are those of the files and archives as they are fetched.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, TypeAlias

DIGITS = "digits"
_MNIST_AT = "https://ossci-datasets.s3.amazonaws.com/mnist/"
_FASHION_AT = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"
_CIFAR_AT = "https://www.cs.toronto.edu/~kriz/"

Normalisation: TypeAlias = tuple[tuple[float, ...], tuple[float, ...]]
"""Mean and standard deviation of each channel."""


@dataclass(frozen=True)
class PublishedFile:
    """A file to fetch.

    Attributes:
        name: Behind the address of its set.
        md5: Of its content as it is fetched.
        size: In bytes.
    """

    name: str
    md5: str
    size: int


@dataclass(frozen=True)
class PublishedSet:
    """A set of images.

    Attributes:
        name: As it is asked for.
        title: As its authors call it.
        kind: Of its files.
        address: Where they are, with a slash at the end.
        files: To fetch.
        folders: Folders that other programs and this one put its files in, below the one given.
        train: Images to learn from.
        test: Images held out.
        train_counts: Images of each class in the train set, where that tells the set from another
            one whose files have the same names.
        normalisation: Constants of the paper's code; None where mean and standard deviation are
            computed.
    """

    name: str
    title: str
    kind: Literal["idx", "cifar"]
    address: str
    files: tuple[PublishedFile, ...]
    folders: tuple[str, ...]
    train: int
    test: int
    train_counts: tuple[int, ...] | None = None
    normalisation: Normalisation | None = None


def _idx_files(*sums: tuple[str, int]) -> tuple[PublishedFile, ...]:
    stems = ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1")
    return tuple(
        PublishedFile(f"{stem}-ubyte.gz", md5, size)
        for stem, (md5, size) in zip(stems, sums, strict=True)
    )


# Y. LeCun, C. Cortes, C. Burges; the address is that of a mirror, the checksums are everywhere
# the same. Constants: the paper's code.
_MNIST = PublishedSet(
    name="mnist",
    title="MNIST",
    kind="idx",
    address=_MNIST_AT,
    files=_idx_files(
        ("f68b3c2dcbeaaa9fbdd348bbdeb94873", 9_912_422),
        ("d53e105ee54ea40749a09fcbcd1e9432", 28_881),
        ("9fb629c4189551a2d022fa330f9573f3", 1_648_877),
        ("ec29112dd5afa0611ce80d1b7f02629c", 4_542),
    ),
    folders=("mnist", "MNIST/raw", "MNIST"),
    train=60_000,
    test=10_000,
    train_counts=(5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949),
    normalisation=((0.1307,), (0.3081,)),
)
# H. Xiao, K. Rasul, R. Vollgraf, arXiv 1708.07747.
_FASHION = PublishedSet(
    name="fashion-mnist",
    title="Fashion-MNIST",
    kind="idx",
    address=_FASHION_AT,
    files=_idx_files(
        ("8d4fb7e6c68d591d4c3dfef9ec88bf0d", 26_421_880),
        ("25c81989df183df01b3e8a0aad5dffbe", 29_515),
        ("bef4ecab320f06d8554ea6380940ec79", 4_422_102),
        ("bb300cfdad3c16e7a12a480ee83cd310", 5_148),
    ),
    folders=("fashion-mnist", "FashionMNIST/raw", "FashionMNIST"),
    train=60_000,
    test=10_000,
    train_counts=(6000,) * 10,
)
# A. Krizhevsky, Learning multiple layers of features from tiny images, 2009. Constants: the
# paper's code, one line for both sets.
_CIFAR = ((0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010))
_CIFAR10 = PublishedSet(
    name="cifar10",
    title="CIFAR-10",
    kind="cifar",
    address=_CIFAR_AT,
    files=(
        PublishedFile("cifar-10-binary.tar.gz", "c32a1d4ab5d03f1284b67883e8d87530", 170_052_171),
    ),
    folders=("cifar10",),
    train=50_000,
    test=10_000,
    normalisation=_CIFAR,
)
_CIFAR100 = PublishedSet(
    name="cifar100",
    title="CIFAR-100",
    kind="cifar",
    address=_CIFAR_AT,
    files=(
        PublishedFile("cifar-100-binary.tar.gz", "03b5dce01913d631647c71ecec9e9cb8", 168_513_733),
    ),
    folders=("cifar100",),
    train=50_000,
    test=10_000,
    normalisation=_CIFAR,
)

PUBLISHED: Mapping[str, PublishedSet] = MappingProxyType(
    {one.name: one for one in (_MNIST, _FASHION, _CIFAR10, _CIFAR100)}
)
"""The sets that are read from files, by name."""

IMAGE_SETS = (*PUBLISHED, DIGITS)
"""Names of all image sets."""
