"""`--start`: a run goes on from the weights that another left."""

import io
import json
import re
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from circuits import Network
from sim.errors import UserError
from sim.run import main as run
from sim.start import read_start

pytestmark = pytest.mark.usefixtures("undrawn")

Array = NDArray[np.float64]
XOR = Network((2, 4, 1), biases=True)


def arrays(learner: str = "ideal", seed: int = 1) -> dict[str, Array]:
    """What a run of 2,4,1 keeps of a learner."""
    rng = np.random.default_rng(seed)
    shapes = {"W": [(4, 2), (1, 4)], "b": [(4,), (1,)], "decor": [(2, 2), (4, 4)]}
    return {
        f"{learner}_{kind}{k}": rng.normal(size=shape)
        for kind, both in shapes.items()
        for k, shape in enumerate(both, start=1)
    }


def saved(path: Path, content: Mapping[str, Array]) -> str:
    np.savez(path, allow_pickle=False, **content)
    return str(path)


def test_a_named_learner_or_the_most_trained_is_read(tmp_path: Path) -> None:
    kept = arrays("start", 1) | arrays("ideal", 2) | arrays("in_loop", 3)
    file = saved(tmp_path / "weights.npz", kept)
    named = [(file, "in_loop"), *((f"{file}:{name}", name) for name in ("ideal", "start"))]
    for where, learner in named:
        model = read_start(where, XOR)
        for k in range(2):
            np.testing.assert_array_equal(model.weights[k], kept[f"{learner}_W{k + 1}"])
            np.testing.assert_array_equal(model.biases[k], kept[f"{learner}_b{k + 1}"])
            np.testing.assert_array_equal(model.decor[k], kept[f"{learner}_decor{k + 1}"])


def without(name: str) -> Callable[[dict[str, Array]], None]:
    def damage(kept: dict[str, Array]) -> None:
        del kept[name]

    return damage


def with_array(name: str, array: Array) -> Callable[[dict[str, Array]], None]:
    return lambda kept: kept.update({name: array})


def renamed(kept: dict[str, Array]) -> None:
    for name in list(kept):
        kept[f"x{name}"] = kept.pop(name)


def gap(kept: dict[str, Array]) -> None:
    kept["ideal_W3"] = kept.pop("ideal_W2")


@pytest.mark.parametrize(
    ("damage", "text"),
    [
        (renamed, "holds no weights of in_loop, there is none; wanted weights.npz of a run"),
        (without("ideal_W2"), "are of 2,4, wanted 2,4,1; give --layers 2,4 or another file"),
        (gap, "are of 2,4, wanted 2,4,1; give --layers 2,4 or another file"),
        (with_array("ideal_W1", np.array(3.0)), "are of no network, wanted 2,4,1"),
        (with_array("ideal_W1", np.ones(3)), "are of no network, wanted 2,4,1"),
        (with_array("ideal_W2", np.ones((1, 3))), "are of no network, wanted 2,4,1"),
        (without("ideal_b1"), "ideal_b1: wanted 4 finite numbers; take another file"),
        (with_array("ideal_b2", np.ones(2)), "ideal_b2: wanted 1 finite numbers"),
        (with_array("ideal_W1", np.full((4, 2), np.nan)), "ideal_W1: wanted 4 × 2 finite numbers"),
        (with_array("ideal_W1", np.full((4, 2), "a")), "ideal_W1: wanted 4 × 2 finite numbers"),
        (with_array("ideal_decor2", np.eye(3)), "ideal_decor2: wanted 4 × 4 finite numbers"),
    ],
    ids=range(11),
)
def test_wrong_arrays_get_one_line(
    damage: Callable[[dict[str, Array]], None], text: str, tmp_path: Path
) -> None:
    kept = arrays()
    damage(kept)
    file = saved(tmp_path / "weights.npz", kept)
    with pytest.raises(UserError, match=f"^{re.escape(f'--start: {file}: ')}") as caught:
        read_start(file, XOR)
    assert text in str(caught.value)
    assert "\n" not in str(caught.value)


def pickled(file: Path) -> None:
    np.savez(file, ideal_W1=np.array([{}], dtype=object))


def one_array(file: Path) -> None:
    kept = io.BytesIO()
    np.save(kept, np.ones(3))
    file.write_bytes(kept.getvalue())


def shortened(file: Path) -> None:
    saved(file, arrays())
    file.write_bytes(file.read_bytes()[:-100])


def flipped(file: Path) -> None:
    saved(file, arrays())
    content = bytearray(file.read_bytes())
    content[150] ^= 255  # inside the first array: its checksum no longer fits
    file.write_bytes(bytes(content))


def no_array(file: Path) -> None:
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("ideal_W1", "text")


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda _: None, "cannot read: No such file or directory"),
        (Path.mkdir, "cannot read: Is a directory"),
        (Path.touch, "is damaged or something else, wanted weights.npz of a run"),
        (lambda file: file.write_text("weights"), "is damaged or something else, wanted"),
        (pickled, "its arrays cannot be read, wanted weights.npz of a run"),
        (one_array, "is damaged or something else, wanted weights.npz of a run"),
        (shortened, "is damaged or something else, wanted weights.npz of a run"),
        (flipped, "ideal_W1.npy in it is damaged, wanted weights.npz of a run"),
        (no_array, "ideal_W1 in it is no array, wanted weights.npz of a run"),
    ],
    ids=range(9),
)
def test_a_damaged_file_gets_one_line_and_exit_code_2(
    make: Callable[[Path], object],
    text: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    file = tmp_path / "weights.npz"
    make(file)
    assert run(["--task", "xor", "--engine", "ideal", "--start", str(file)]) == 2
    complaint = capsys.readouterr().err
    assert complaint.startswith(f"error: --start: {file}: ")
    assert complaint.count("\n") == 1
    assert text in complaint


def test_biases_need_a_network_that_has_them(tmp_path: Path) -> None:
    kept = arrays()
    with pytest.raises(UserError, match="come with biases, and this network has none; give"):
        read_start(saved(tmp_path / "some.npz", kept), Network((2, 4, 1)))
    kept |= {"ideal_b1": np.zeros(4), "ideal_b2": np.zeros(1)}
    read_start(saved(tmp_path / "none.npz", kept), Network((2, 4, 1)))


def test_a_run_goes_on_from_where_another_ended(tmp_path: Path) -> None:
    # Trained by backpropagation, gone on with by DANP, as mathematics is before a circuit is.
    first, second = tmp_path / "first", tmp_path / "second"
    same = ["--task", "xor", "--engine", "ideal", "--quiet"]
    assert run([*same, "--rule", "bp", "--epochs", "100", "--out", str(first)]) == 0
    start = f"{first / 'weights.npz'}:ideal"
    assert run([*same, "--epochs", "1", "--start", start, "--out", str(second)]) == 0
    before, after = (json.loads((f / "summary.json").read_text()) for f in (first, second))
    assert before["loss"]["ideal"] < 0.5 * before["loss"]["initial"]
    assert after["loss"]["initial"] == before["loss"]["ideal"]
    with np.load(first / "weights.npz") as one, np.load(second / "weights.npz") as two:
        for name in ("W1", "W2", "b1", "b2", "decor1", "decor2"):
            np.testing.assert_array_equal(one[f"ideal_{name}"], two[f"start_{name}"])
    # What the run wrote of itself repeats it.
    third = tmp_path / "third"
    assert run(["--config", str(second / "config.toml"), "--quiet", "--out", str(third)]) == 0
    with np.load(second / "weights.npz") as two, np.load(third / "weights.npz") as three:
        np.testing.assert_array_equal(two["ideal_W1"], three["ideal_W1"])
