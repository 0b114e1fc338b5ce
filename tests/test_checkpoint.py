"""State taken, written and read back is the state, bit for bit; what is no state is refused.

Oracle of every state: draws of the object that was never stopped. Draws are compared as the bytes
that `sim.archive.pack` makes of them, so that a difference in the last bit counts.
"""

import errno
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from circuits import CircuitParameters, Network, NoiseParameters, SmtjParameters
from sim import archive, durable
from sim.archive import ArchiveError, pack, unpack
from sim.clock import Clock, Fidelity
from sim.durable import WriteError, replace_durably
from sim.errors import UserError
from sim.lock import NAME as LOCK
from sim.lock import locked
from sim.noise.record import ROWS_NAME, NoiseRecorder
from sim.passes import Passes
from sim.schedule import NoiseSchedule, open_schedule
from sim.sources import Drawn

NETWORK = Network((2, 3, 1))
FAST = SmtjParameters(barrier_p=0.25, barrier_ap=0.26, critical_current=1e-3)
"""Both dwells some 20 µs: ten flips a pass, so that blocks and chunks end between draws, and a
state is the other one as often as not."""

SOURCES: dict[str, dict[str, Any]] = {
    "string": {"n_mtj": 2},
    "two-way": {"n_mtj": 2, "coupling": "two-way"},
    "measured": {"source": "measured"},
    "hmm": {"source": "hmm"},
    "bernoulli": {"source": "bernoulli"},
    "binomial": {"source": "binomial"},
    "gaussian": {"source": "gaussian"},
}


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("recording") / "noise.npy"
    np.save(path, np.random.default_rng(5).normal(0, 1e-3, 211))
    return path


def opened(
    source: str, fidelity: Fidelity, recording: Path, seed: int = 3, t_pass: float = 217e-6
) -> NoiseSchedule:
    """A schedule at its beginning; an odd length of passes, so that no beat hides a rounding."""
    noise = SOURCES[source]
    if source == "measured":
        noise = {**noise, "measured": {"file": str(recording), "start": 200, "stride": 3}}
    circuit = CircuitParameters(smtj=FAST, noise=NoiseParameters.model_validate(noise))
    clock = Clock(t_pass, 31e-6, fidelity)
    return open_schedule(NETWORK, circuit, clock, np.random.default_rng(seed))


def draw(schedule: NoiseSchedule, pairs: int) -> bytes:
    return content(schedule.draw(np.full((pairs, 2), 0.5)))


def content(passes: Passes) -> bytes:
    jumps = [[[one.ages, one.before] for one in each] for each in passes.jumps]
    return pack({"controls": passes.controls, "noise": passes.noise, "jumps": jumps})


# --- noise -------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("source", "fidelity", "cuts"),
    [
        *[("string", fidelity, (0, 1, 9, 60)) for fidelity in ("full", "aperture", "op")],
        *[("hmm", fidelity, (0, 1, 9, 710)) for fidelity in ("full", "aperture", "op")],
        *[(s, "aperture", (0, 1, 37, 60)) for s in ("measured", "bernoulli", "binomial")],
        ("gaussian", "aperture", (0, 5)),
        ("two-way", "full", (1, 20)),
    ],
)
def test_noise_goes_on_bit_for_bit(
    source: str, fidelity: Fidelity, cuts: tuple[int, ...], recording: Path
) -> None:
    for cut in cuts:
        whole = opened(source, fidelity, recording)
        if cut:
            whole.draw(np.zeros((cut, 2)))
        state = unpack(pack(whole.state()))
        resumed = opened(source, fidelity, recording, seed=99)  # the state is all that counts
        resumed.restore(state)
        first, second = draw(whole, 1), draw(whole, 40)
        assert draw(resumed, 1) == first, cut
        # Taken again on the way, of the one that was itself restored.
        again = opened(source, fidelity, recording, seed=98)
        again.restore(unpack(pack(resumed.state())))
        assert draw(again, 40) == second, cut
        assert draw(resumed, 40) == second, cut


@pytest.mark.parametrize(("source", "t_pass"), [("string", 0.1), ("hmm", 0.4), ("two-way", 6e-3)])
def test_noise_goes_on_where_the_next_pass_lies_beyond_all_that_was_drawn(
    source: str, t_pass: float, recording: Path
) -> None:
    whole, resumed = (opened(source, "op", recording, seed, t_pass) for seed in (3, 99))
    draw(whole, 1)
    resumed.restore(unpack(pack(whole.state())))
    assert draw(resumed, 1) == draw(whole, 1)


def test_taking_a_state_changes_nothing(recording: Path) -> None:
    for source in SOURCES:
        left, watched = (opened(source, "full", recording) for _ in range(2))
        for _ in range(6):
            watched.state()
            assert draw(left, 3) == draw(watched, 3), source


def test_a_state_does_not_grow_with_the_run(recording: Path) -> None:
    for source in ("string", "hmm", "measured", "gaussian"):
        schedule = opened(source, "full", recording)
        sizes = []
        for _ in range(2):
            schedule.draw(np.zeros((300, 2)))
            sizes.append(len(pack(schedule.state())))
        assert sizes[1] < 2 * sizes[0], source


def test_junctions_that_ngspice_couples_go_on_in_a_process_of_their_own(
    recording: Path, tmp_path: Path
) -> None:
    whole = opened("two-way", "full", recording)
    draw(whole, 20)
    (tmp_path / "state").write_bytes(pack(whole.state()))
    script = (
        "import sys; from pathlib import Path; import test_checkpoint as t\n"
        "folder = Path(sys.argv[1])\n"
        "schedule = t.opened('two-way', 'full', folder, seed=99)\n"
        "schedule.restore(t.unpack((folder / 'state').read_bytes()))\n"
        "(folder / 'drawn').write_bytes(t.draw(schedule, 40))\n"
    )
    path = os.pathsep.join([str(Path(__file__).parent), str(Path(__file__).parents[1])])
    subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)],
        env=os.environ | {"PYTHONPATH": path},
        check=True,
    )
    assert (tmp_path / "drawn").read_bytes() == draw(whole, 40)


# --- the file ----------------------------------------------------------------------------------
TREE: dict[str, Any] = {
    "numbers": [1, -2.5, 5e-324, 0.1 + 0.2, 1 << 100, float("inf"), None, True, "$array", "µ"],
    "nested": {"empty": [], "none": {}},
    "rows": np.arange(6.0).reshape(2, 3),
    "columns": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    "bits": np.array([0x7FF8000000000001, 1, 1 << 63], dtype=np.uint64).view(np.float64),
    "small": np.array([1, 0, 255], dtype=np.uint8),
    "scalar": np.array(3.0),
    "no rows": np.empty((0, 3)),
    "rng": np.random.default_rng(2).bit_generator.state,
}


def test_a_tree_comes_back_as_it_was() -> None:
    back = unpack(pack(TREE))
    for name in ("numbers", "nested", "rng"):
        assert back[name] == TREE[name]
    for name in ("rows", "columns", "bits", "small", "scalar", "no rows"):
        given, got = TREE[name], back[name]
        assert (got.dtype, got.shape) == (given.dtype, given.shape), name
        assert got.tobytes() == given.tobytes(), name
        assert got.flags.writeable
    assert back["columns"].flags.f_contiguous
    assert back["rows"].flags.c_contiguous
    assert pack(TREE) == pack(TREE)
    with pytest.raises(TypeError):
        pack({"object": object()})


def test_no_damage_goes_unseen() -> None:
    whole = pack(TREE)
    for k in range(len(whole)):
        flipped = bytearray(whole)
        flipped[k] ^= 1 << (k % 8)
        with pytest.raises(ArchiveError):
            unpack(bytes(flipped))
    for k in range(0, len(whole), 7):
        with pytest.raises(ArchiveError, match=r"is damaged|is no checkpoint"):
            unpack(whole[:k])
    with pytest.raises(ArchiveError, match="is damaged"):
        unpack(whole + b"\0")
    with pytest.raises(ArchiveError, match="is damaged"):
        unpack(whole[: len(whole) // 2])


def test_another_format_is_said_to_be_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "FORMAT", 7)
    content = pack(TREE)
    monkeypatch.undo()
    with pytest.raises(ArchiveError, match="is of format 7; this version reads format 2"):
        unpack(content)


# --- writing -----------------------------------------------------------------------------------
STAGES = ("open", "write", "fsync", "replace", "fsync of the folder", "end")
KILLED = """
import os, sys
from pathlib import Path
from sim import durable

class Half:
    def __init__(self, file): self.file = file
    def __enter__(self): return self
    def __exit__(self, *_): pass
    def write(self, content):
        self.file.write(content[: len(content) // 2]); self.file.flush(); die()

def die(*_):
    os._exit(9)

def prepare(stage):
    calls, opened = [], Path.open
    if stage == "open": Path.open = die
    if stage == "write": Path.open = lambda path, mode: Half(opened(path, mode))
    if stage == "fsync": os.fsync = die
    if stage == "replace": Path.replace = die
    if stage == "fsync of the folder":
        os.fsync = lambda file: die() if calls else calls.append(file)

for folder in map(Path, sys.argv[1:]):
    child = os.fork()
    if not child:
        prepare(folder.name)
        durable.replace_durably(folder / "checkpoint.npz", b"new" * 100_000)
        die()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
"""


def test_killed_at_any_stage_a_file_is_the_old_one_or_the_new_one(tmp_path: Path) -> None:
    old, new = b"old" * 50_000, b"new" * 100_000
    folders = [tmp_path / stage for stage in STAGES]
    for folder in folders:
        folder.mkdir()
        (folder / "checkpoint.npz").write_bytes(old)
    subprocess.run(
        [sys.executable, "-c", KILLED, *map(str, folders)],
        cwd=Path(__file__).parents[1],
        check=True,
    )
    for folder in folders:
        target = folder / "checkpoint.npz"
        renamed = STAGES.index(folder.name) > STAGES.index("replace")
        assert target.read_bytes() == (new if renamed else old), folder.name
        left = [] if renamed or folder.name == "open" else [".checkpoint.npz.part"]
        assert sorted(path.name for path in folder.iterdir()) == [*left, "checkpoint.npz"]
        replace_durably(target, b"next")  # what is left of the draft is in nobody's way
        assert [path.name for path in folder.iterdir()] == ["checkpoint.npz"]
        assert target.read_bytes() == b"next"


@pytest.mark.parametrize("call", ["fsync", "replace"])
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EIO, errno.EACCES])
def test_what_the_disk_refuses_is_one_line_and_the_old_file_stands(
    call: str, number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "checkpoint.npz"
    target.write_bytes(b"old")

    def refuse(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    owner: Any = os if call == "fsync" else Path
    monkeypatch.setattr(owner, call, refuse)
    with pytest.raises(WriteError) as caught:
        replace_durably(target, b"new")
    line = f"{target}: cannot write: {os.strerror(number)}"
    advice = "; free some space" if number == errno.ENOSPC else ""
    assert str(caught.value) == line + advice
    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_file_is_on_the_disk_before_it_takes_the_others_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    real = os.fsync

    def note(name: str, act: Callable[..., Any]) -> Callable[..., Any]:
        def noted(*given: Any) -> Any:
            done.append(name)
            return act(*given)

        return noted

    monkeypatch.setattr(durable.os, "fsync", note("fsync", real))
    monkeypatch.setattr(Path, "replace", note("replace", Path.replace))
    replace_durably(tmp_path / "file", b"new")
    assert done == ["fsync", "replace", "fsync"]


# --- recorded noise ----------------------------------------------------------------------------
def drawn(rng: np.random.Generator, passes: int) -> Drawn:
    def some(columns: int) -> NDArray[np.float64]:
        return rng.normal(size=(passes, columns))

    return Drawn(some(4), (), some(4))


def recorder(folder: Path, state: dict[str, Any] | None = None) -> NoiseRecorder:
    return NoiseRecorder(folder, NETWORK, NoiseParameters(), 1e-3, state)


def test_recorded_noise_is_cut_back_to_the_checkpoint(tmp_path: Path) -> None:
    folders = [tmp_path / "whole", tmp_path / "stopped"]
    for folder in folders:
        folder.mkdir()
    rng = np.random.default_rng(1)
    pieces = [drawn(rng, passes) for passes in (2, 3000, 2000, 8, 5000)]
    whole, stopped = (recorder(folder) for folder in folders)
    for piece in pieces:
        whole(piece)
    for piece in pieces[:3]:
        stopped(piece)
    state = unpack(pack(stopped.state()))
    stopped(drawn(rng, 9000))  # never saved: others come in their place
    stopped.close()
    resumed = recorder(folders[1], state)
    assert (folders[1] / ROWS_NAME).stat().st_size == 5002 * 9 * 8
    for piece in pieces[3:]:
        resumed(piece)
    for each, folder in ((whole, folders[0]), (resumed, folders[1])):
        each.write_parquet()
        each.remove_rows()
        each.close()
        assert [path.name for path in folder.iterdir()] == ["noise.parquet"]
    one, other = ((folder / "noise.parquet").read_bytes() for folder in folders)
    assert one == other


@pytest.mark.parametrize("damage", ["missing", "short", "altered"])
def test_recorded_noise_that_is_gone_is_one_line(damage: str, tmp_path: Path) -> None:
    first = recorder(tmp_path)
    first(drawn(np.random.default_rng(1), 50))
    state = first.state()
    first.close()
    path = tmp_path / ROWS_NAME
    content = bytearray(path.read_bytes())
    content[100] ^= 1
    match damage:
        case "missing":
            path.unlink()
        case "short":
            path.write_bytes(content[:-1])
        case _:
            path.write_bytes(content)
    before = path.read_bytes() if path.exists() else None
    with pytest.raises(UserError, match=r"noise\.rows: (cannot read|does not hold the noise)"):
        recorder(tmp_path, state)
    assert (path.read_bytes() if path.exists() else None) == before


# --- one process a folder ----------------------------------------------------------------------
def test_a_folder_is_held_by_one_process_at_a_time(tmp_path: Path) -> None:
    with locked(tmp_path) as held:
        assert held
        wanted = rf"another process \(number {os.getpid()}\) is at work on this run; wait"
        with pytest.raises(UserError, match=wanted), locked(tmp_path):
            pass
        assert (tmp_path / LOCK).exists()
    assert not list(tmp_path.iterdir())
    with locked(tmp_path) as held:
        assert held


def test_a_lock_of_a_dead_process_is_none(tmp_path: Path) -> None:
    script = (
        "import os, sys; from pathlib import Path; from sim.lock import locked\n"
        "with locked(Path(sys.argv[1])): os._exit(9)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)],
        cwd=Path(__file__).parents[1],
        check=False,
    )
    assert done.returncode == 9
    assert (tmp_path / LOCK).exists()
    with locked(tmp_path) as held:
        assert held


def test_a_file_system_without_locks_is_told_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("sim.lock.fcntl.flock", refuse)
    with locked(tmp_path) as held:
        assert not held
