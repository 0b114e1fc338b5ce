"""Worker processes: the same results whatever becomes of them, and nothing left behind.

The right answer is everywhere that of `NgspiceEngine` in this process, to the last bit.
"""

import errno
import json
import os
import re
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import Weights
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray

from circuits import CircuitParameters, Network
from sim.attribute.command import main as attribute
from sim.clock import Clock, Fidelity, Reduction
from sim.engine import Readout
from sim.engines.description import EngineDescription
from sim.errors import SimulationError, UserError
from sim.passes import Passes
from sim.run import main as run
from sim.schedule import open_schedule
from sim.workers import Care, Pool, WorkerEngine
from sim.workers.content import joined, passes_from_arrays, passes_to_arrays
from sim.workers.failed import FailedPasses, read_failed
from sim.workers.replay import main as replay
from sim.workers.wire import MAGIC, Decoder, Message, WireError

ROOT = Path(__file__).parent.parent
FAULTY = str(Path(__file__).parent / "faulty_worker.py")
FAST = {"barrier_p": 0.25, "barrier_ap": 0.255}  # 16 and 19 µs: flips in most apertures
LAYERS = (2, 3, 2)
# Enough for any unit here on a busy machine; a hang costs a test so much, and no more.
DEADLINE = 4.0
SEEN = 30.0  # s in which a process that has lost its parent is gone on the busiest machine


def describe(
    fidelity: Fidelity = "aperture", reduction: Reduction = "none", **settings: Any
) -> EngineDescription:
    network = Network(LAYERS, biases=True)
    circuit = CircuitParameters.model_validate({"smtj": FAST} | settings)
    strings = circuit.noise_strings(network.neurons, np.random.default_rng(8))
    return EngineDescription(
        network, circuit, Clock(30e-6, 10e-6, fidelity), strings, reduction=reduction
    )


def draw(description: EngineDescription, samples: int) -> Passes:
    rng = np.random.default_rng(9)
    inputs = rng.uniform(-1, 1, (samples, LAYERS[0]))
    schedule = open_schedule(
        description.network,
        description.circuit,
        description.clock,
        rng,
        strings=description.strings,
    )
    return schedule.draw(inputs)


def in_this_process(
    description: EngineDescription, passes: Passes, values: Sequence[NDArray] = ()
) -> Readout:
    """What an engine without workers gives, unit by unit."""
    engine = description.make()
    if values:
        engine.write(values)
    size = description.unit
    parts = [engine.run(passes[k : k + size]) for k in range(0, len(passes), size)]
    return joined(parts)


def assert_same(one: Readout, other: Readout) -> None:
    """To the last bit; NaN is NaN."""
    pairs = [*zip(one.pre, other.pre, strict=True), *zip(one.outputs, other.outputs, strict=True)]
    for a, b in (*pairs, (one.energy, other.energy), (one.doubts, other.doubts)):
        np.testing.assert_array_equal(a, b)


@pytest.fixture(scope="module")
def pools() -> Iterator[Callable[[int], Pool]]:
    """Pools of workers that behave, shared by the tests that leave them so."""
    started: dict[int, Pool] = {}

    def of(jobs: int) -> Pool:
        if jobs not in started:
            started[jobs] = Pool(jobs)
        return started[jobs]

    yield of
    for pool in started.values():
        pool.close()


# --- the wire

ANY_ARRAY = arrays.arrays(
    dtype=st.sampled_from(["<f8", "<i8", "|u1"]),
    shape=arrays.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4),
)


@given(st.dictionaries(st.text(), ANY_ARRAY, max_size=4), st.floats(), st.integers(1, 50))
def test_messages_arrive_bit_by_bit_however_they_are_cut(
    content: dict[str, NDArray], number: float, cut: int
) -> None:
    sent = Message("unit", {"number": number, "text": "µ\n"}, content)
    frames = sent.encode() * 2
    decoder = Decoder()
    pieces = (frames[k : k + cut] for k in range(0, len(frames), cut))
    received = [message for piece in pieces for message in decoder.feed(piece)]
    assert len(received) == 2
    assert decoder.waiting == 0
    for message in received:
        assert (message.kind, message.fields["text"]) == ("unit", "µ\n")
        assert np.array_equal(message.fields["number"], number, equal_nan=True)
        assert list(message.arrays) == list(content)
        for name, array in content.items():
            got = message.arrays[name]
            assert (got.dtype, got.shape, got.tobytes()) == (
                array.dtype,
                array.shape,
                array.tobytes(),
            )


@given(st.binary(max_size=200), st.integers(0, 10_000), st.integers(0, 255))
def test_bytes_that_are_no_message_are_said_to_be_none(
    noise: bytes, place: int, value: int
) -> None:
    frame = bytearray(Message("unit", {"number": 1}, {"a": np.arange(3.0)}).encode())
    frame[place % len(frame)] = value
    for data in (noise, MAGIC + noise, bytes(frame), bytes(frame) + noise):
        with suppress(WireError):  # and nothing else
            list(Decoder().feed(data))


@pytest.mark.parametrize("data", [b"ngspice-39 : circuit level", b"DANPWIRE" + b"\xff" * 16])
def test_print_outs_and_absurd_lengths_are_garbage(data: bytes) -> None:
    with pytest.raises(WireError):
        list(Decoder().feed(data))


def test_passes_arrive_with_their_jumps_and_what_was_before() -> None:
    description = describe()
    passes = draw(description, 6)[3:12]
    assert passes.count_jumps() > 5
    (message,) = Decoder().feed(Message("unit", {}, passes_to_arrays(passes)).encode())
    got = passes_from_arrays(message.arrays)
    np.testing.assert_array_equal(got.inputs, passes.inputs)
    np.testing.assert_array_equal(got.controls, passes.controls)
    np.testing.assert_array_equal(got.noise, passes.noise)
    np.testing.assert_array_equal(got.previous(0), passes.previous(0))
    for a, b in zip(got.jumps, passes.jumps, strict=True):
        for mine, theirs in zip(a, b, strict=True):
            np.testing.assert_array_equal(mine.ages, theirs.ages)
            np.testing.assert_array_equal(mine.before, theirs.before)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"temperature": 1 / 3, "opamp": {"gbw": 2.8e6 / 3, "v_offset": 1e-3 / 7}},
        {"smtj": {**FAST, "spread_tmr": 0.05, "spread_barrier": 0.01}, "noise": {"n_mtj": 2}},
        {"noise": {"source": "gaussian"}, "activation": {"kind": "precision"}},
    ],
)
def test_a_description_comes_back_from_text(settings: dict[str, Any]) -> None:
    description = describe(**settings)
    text = description.to_json()
    assert EngineDescription.from_json(text) == description
    assert EngineDescription.from_json(text).to_json() == text


@pytest.mark.parametrize("change", [{"reduction": "magic"}, {"strings": 3}, {"clock": {}}])
def test_text_that_describes_no_engine_is_refused(change: dict[str, object]) -> None:
    tree = json.loads(describe().to_json()) | change
    with pytest.raises(ValueError, match=r"describes no engine|reduction: wanted one of"):
        EngineDescription.from_json(json.dumps(tree))


# --- the same results


@pytest.mark.parametrize(
    ("fidelity", "reduction", "jobs"),
    [
        ("op", "norton", (1, 2)),
        ("aperture", "norton", (1, 2, 3)),
        ("aperture", "none", (2,)),
        ("full", "none", (2,)),
    ],
)
def test_results_are_those_of_one_process_for_every_number_of_workers(
    fidelity: Fidelity,
    reduction: Reduction,
    jobs: tuple[int, ...],
    pools: Callable[[int], Pool],
    weights: Weights,
) -> None:
    description = describe(fidelity, reduction)
    samples = 3 if fidelity == "full" else 9
    passes = draw(description, samples)  # the last unit is a shorter one
    engines = [WorkerEngine(description, pools(number)) for number in jobs]
    for seed in (1, 2):
        values = weights(description.network, seed)
        wanted = in_this_process(description, passes, values)
        pair = in_this_process(description, passes[2:4], values)  # as updates by sample do
        for engine in engines:
            assert engine.write(values) == description.make().write(values)
            assert_same(engine.run(passes), wanted)
            assert_same(engine.run(passes[2:4]), pair)
    for engine in engines:
        assert engine.tally.passes == 2 * (2 * samples + 2)
        assert engine.seconds > 0
        assert engine.name == "ngspice"
        synapse = description.circuit.synapse
        for mine, w in zip(engine.pairs, weights(description.network, 2), strict=True):
            np.testing.assert_array_equal(mine.plus, synapse.program(w).plus)
            np.testing.assert_array_equal(mine.minus, synapse.program(w).minus)


def test_no_passes_give_an_empty_readout(pools: Callable[[int], Pool]) -> None:
    description = describe("op")
    readout = WorkerEngine(description, pools(1)).run(draw(description, 1)[:0])
    assert [a.shape for a in readout.pre] == [(0, 3), (0, 2)]
    assert readout.energy.shape == (0,)


def test_what_was_submitted_and_never_waited_for_is_not_taken_for_the_next(
    pools: Callable[[int], Pool],
) -> None:
    description = describe("op")
    engine = WorkerEngine(description, pools(2))
    passes = draw(description, 8)
    engine.submit(passes)
    assert_same(engine.run(passes[8:]), in_this_process(description, passes[8:]))


# --- workers that are lost


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_a_worker_killed_or_stopped_in_the_middle_costs_nothing_but_time(
    number: signal.Signals, weights: Weights
) -> None:
    description = describe("aperture")
    passes = draw(description, 12)
    values = weights(description.network, 4)
    wanted = in_this_process(description, passes, values)
    with Pool(2, Care(deadline=DEADLINE)) as pool:
        engine = WorkerEngine(description, pool)
        engine.write(values)
        engine.run(passes[:8])  # from here on both are ready
        wait = engine.submit(passes)
        os.kill(pool.pids[0], number)
        assert_same(wait(), wanted)
        assert (pool.replaced, pool.retried) == (1, 1)
        assert engine.tally.passes == len(passes) + 8


def test_a_worker_killed_while_it_waits_is_replaced_without_a_word() -> None:
    description = describe("op")
    passes = draw(description, 2)
    with Pool(1) as pool:
        engine = WorkerEngine(description, pool)
        first = engine.run(passes)
        os.kill(pool.pids[0], signal.SIGKILL)
        assert_same(engine.run(passes), first)
        assert pool.replaced == 1


def test_workers_that_misbehave_are_replaced_until_one_does_not(tmp_path: Path) -> None:
    description = describe("op")
    passes = draw(description, 4)
    kinds = ("crash", "leave", "garbage", "cut", "stranger", "misfit", "start")
    command = (sys.executable, "-P", FAULTY, f"{','.join(kinds)}-once", str(tmp_path))
    with Pool(1, Care(attempts=len(kinds) + 1), command) as pool:
        engine = WorkerEngine(description, pool)
        assert_same(engine.run(passes), in_this_process(description, passes))
        assert (pool.replaced, pool.retried) == (len(kinds), len(kinds))
        assert engine.tally.passes == len(passes)
    assert {path.name for path in tmp_path.iterdir()} == set(kinds)


def test_a_worker_whose_memory_grows_is_renewed(tmp_path: Path) -> None:
    description = describe("op")
    passes = draw(description, 6)
    command = (sys.executable, "-P", FAULTY, "leak-once", str(tmp_path))
    (tmp_path / "leak").touch()
    with Pool(1, command=command) as pool:
        engine = WorkerEngine(description, pool)
        engine.run(passes[:2])
        (tmp_path / "leak").unlink()  # after the first unit: growth is counted from there
        assert_same(engine.run(passes), in_this_process(description, passes))
        assert (pool.renewed, pool.replaced, pool.retried) == (1, 0, 0)


def test_what_a_library_prints_does_not_get_into_the_answers(tmp_path: Path) -> None:
    description = describe("op")
    passes = draw(description, 4)
    command = (sys.executable, "-P", FAULTY, "chatter-once", str(tmp_path))
    with Pool(1, command=command) as pool:
        assert_same(
            WorkerEngine(description, pool).run(passes), in_this_process(description, passes)
        )
        assert pool.replaced == 0


# --- failing for good


def test_a_pass_that_always_fails_ends_the_run_and_is_kept(
    tmp_path: Path, pools: Callable[[int], Pool], weights: Weights, capsys: pytest.CaptureFixture
) -> None:
    description = describe("op")
    passes = draw(description, 6)
    values = weights(description.network, 5)
    broken = draw(description, 6)
    broken.inputs[5] = np.nan  # ngspice refuses it
    engine = WorkerEngine(description, pools(2), keep=tmp_path)
    engine.write(values)
    with pytest.raises(SimulationError) as caught:
        engine.run(broken)
    deck, log, kept = (tmp_path / f"failed{end}" for end in (".cir", ".log", "-passes.npz"))
    assert re.fullmatch(
        rf"ngspice, alter vx0_\d = nan: .*; deck and log kept as {deck} and {log}; so on 3 workers "
        rf"one after the other; to run what failed again: python -m sim\.workers\.replay {kept}",
        str(caught.value),
    )
    assert "alter Vx0_1 = nan" in deck.read_text()
    assert "nan" in log.read_text()
    failed = read_failed(kept)
    assert failed.description == description
    np.testing.assert_array_equal(failed.passes.inputs, broken.inputs[5:6])
    synapse = description.circuit.synapse
    for mine, theirs in zip(failed.pairs, map(synapse.program, values), strict=True):
        np.testing.assert_array_equal(mine.plus, theirs.plus)
        np.testing.assert_array_equal(mine.minus, theirs.minus)
        assert mine.clipped == theirs.clipped
    assert replay([str(kept)]) == 3
    assert "ngspice, alter vx0_" in capsys.readouterr().err
    assert engine.tally.failed == 1
    # The engine goes on.
    assert_same(engine.run(passes), in_this_process(description, passes, values))


def test_a_pass_that_always_ends_its_worker_is_found_and_kept(
    tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    noted, keep = tmp_path / "noted", tmp_path / "kept"
    noted.mkdir()
    description = describe("aperture")
    passes = draw(description, 4)
    passes.inputs[6, 0] = 0.25
    command = (sys.executable, "-P", FAULTY, "crash-on", str(noted))
    with Pool(1, Care(attempts=2), command) as pool:
        engine = WorkerEngine(description, pool, keep=keep)
        with pytest.raises(SimulationError) as caught:
            engine.run(passes)
        assert str(caught.value).startswith("a worker process was ended by SIGSEGV; deck and log")
        assert "so on 2 workers one after the other" in str(caught.value)
    assert "was ended by SIGSEGV" in (keep / "failed.log").read_text()
    # In this process, which has no such fault, the kept pass gives what it should.
    kept = keep / "failed-passes.npz"
    assert replay([str(kept)]) == 0
    printed = dict(re.findall(r"^v\((\w+)\) (\S+) V$", capsys.readouterr().out, re.MULTILINE))
    wanted = description.make().run(passes[6:7])
    assert float(printed["a1_1"]) == pytest.approx(wanted.pre[0][0, 0], rel=1e-8)  # nine digits
    assert float(printed["a2_2"]) == pytest.approx(wanted.pre[1][0, 1], rel=1e-8)
    assert len(printed) == 3 + 3 + 2
    assert "0.25" in (keep / "failed.cir").read_text()


@pytest.mark.parametrize(
    "content", [None, b"", b"PK\x03\x04", b"\x93NUMPY", np.array([None]).dumps()]
)
def test_what_are_no_failed_passes_gets_one_line(
    content: bytes | None, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    path = tmp_path / "failed-passes.npz"
    if content is not None:
        path.write_bytes(content)
    assert replay([str(path)]) == 2
    complaint = capsys.readouterr().err
    assert complaint.startswith(f"error: {path}: ")
    assert complaint.count("\n") == 1


@pytest.fixture(scope="module")
def kept_passes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Passes kept, as of a failure."""
    path = tmp_path_factory.mktemp("kept") / "failed-passes.npz"
    description = describe("op")
    shapes = [description.network.synapse_shape(layer) for layer in (1, 2)]
    pairs = tuple(description.circuit.synapse.program(np.zeros(shape)) for shape in shapes)
    FailedPasses(description, pairs, draw(description, 1)).write(path)
    return path


@pytest.mark.parametrize(
    ("name", "array", "text"),
    [
        ("r_plus2", np.zeros((3, 3)), "r_plus2 of (3, 3) float64, wanted (2, 4) numbers"),
        ("r_minus1", None, " one without 'r_minus1'"),
        ("r_plus3", np.zeros((2, 2)), "an array 'r_plus3' that its network has no place for"),
        ("clipped", np.zeros(2), "clipped of (2,) float64, wanted (2,) numbers"),
        ("inputs", np.zeros((2, 5)), "inputs of (2, 5) float64, wanted (2, 2) numbers"),
        ("inputs", np.zeros((0, 2)), "inputs of (0, 2) float64, wanted (1, 2) numbers"),
        ("inputs", np.array(1.0), "inputs of () float64, wanted (1, 2) numbers"),
        ("controls", np.full((2, 5), "a"), "controls of (2, 5) <U1, wanted (2, 5) numbers"),
        ("noise", np.zeros((2, 1)), "noise of (2, 1) float64, wanted (2, 5) numbers"),
        ("jump_counts", np.zeros((2, 5)), "jump_counts of (2, 5) float64, wanted (2, 5) numbers"),
        ("jump_counts", np.full((2, 5), -1), "jumps that do not fit the passes"),
        ("jump_ages", np.zeros(1), "jump_before of (0,) float64, wanted (1,) numbers"),
        ("before", np.zeros(3), "before of (3,) float64, wanted (2,) numbers"),
        ("engine", np.array("[" * 100_000), "describes no engine: RecursionError"),
        ("engine", np.array("[]"), "describes no engine: TypeError"),
        ("engine", None, " one without 'engine'"),
    ],
    ids=range(16),
)
def test_passes_that_do_not_fit_their_network_get_one_line(
    name: str, array: NDArray | None, text: str, kept_passes: Path, tmp_path: Path
) -> None:
    with np.load(kept_passes) as archive:
        content = {key: archive[key] for key in archive.files}
    content.pop(name, None)
    path = tmp_path / "failed-passes.npz"
    np.savez(path, allow_pickle=False, **content | ({} if array is None else {name: array}))
    said = f"{path}: wanted the failed-passes.npz of a failed run, got"
    with pytest.raises(UserError, match=f"^{re.escape(said)}.*{re.escape(text)}") as caught:
        read_failed(path)
    assert "\n" not in str(caught.value)


def test_no_flipped_bit_in_kept_passes_ends_in_more_than_a_line(
    kept_passes: Path, tmp_path: Path
) -> None:
    # Every byte of the last 200, which say where and how members are kept, and some before.
    whole, path = kept_passes.read_bytes(), tmp_path / "failed-passes.npz"
    rng = np.random.default_rng(4)
    refused: list[str] = []
    for at in [*range(-200, 0), *rng.integers(0, len(whole) - 200, 200)]:
        content = bytearray(whole)
        content[at] ^= 1 << rng.integers(8)
        path.write_bytes(content)
        try:
            read_failed(path)
        except UserError as error:
            refused.append(str(error))
    assert len(refused) > 100
    assert not any("\n" in line for line in refused)


def test_workers_that_the_system_has_no_room_for_leave_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    start, begun = subprocess.Popen, []

    def third_fails(*arguments: Any, **settings: Any) -> subprocess.Popen[bytes]:
        if len(begun) == 2:
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
        begun.append(start(*arguments, **settings))
        return begun[-1]

    monkeypatch.setattr("sim.workers.supervisor.subprocess.Popen", third_fails)
    with pytest.raises(UserError, match=r"^--jobs: worker process 3 of 4 cannot be started: Too m"):
        Pool(4)
    assert [process.poll() for process in begun] == [-signal.SIGKILL] * 2
    assert not list(tmp_path.iterdir())


def test_workers_without_ngspice_are_the_users_to_mend(monkeypatch: pytest.MonkeyPatch) -> None:
    description = describe("op")
    monkeypatch.setenv("NGSPICE_LIBRARY_PATH", "/nowhere/libngspice.so")
    with Pool(1) as pool:
        engine = WorkerEngine(description, pool)
        with pytest.raises(UserError, match=r"there is no file /nowhere/libngspice\.so"):
            engine.run(draw(description, 1))
        assert pool.retried == 0


# --- nothing is left behind


def workers_in(folder: Path) -> list[int]:
    """Worker processes whose own folder lies in a folder."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            words = (entry / "cmdline").read_bytes().split(b"\0")
            state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            continue
        if state != "Z" and any(word.startswith(bytes(folder)) for word in words):
            found.append(int(entry.name))
    return found


def gone(folder: Path) -> bool:
    """Whether all workers end soon, and leave no file."""
    end = time.monotonic() + SEEN
    while time.monotonic() < end:
        if not workers_in(folder) and not any(folder.iterdir()):
            return True
        time.sleep(0.05)
    return False


def test_closing_ends_every_worker_and_removes_its_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    pool = Pool(2)
    assert len(workers_in(tmp_path)) == 2
    os.kill(pool.pids[1], signal.SIGSTOP)
    pool.close()
    assert not workers_in(tmp_path)
    assert not list(tmp_path.iterdir())


BUSY = """
    import sys
    from pathlib import Path
    sys.path.insert(0, {tests!r})
    from test_workers import describe, draw
    from sim.workers import Pool, WorkerEngine
    description = describe("full")
    with WorkerEngine(description, Pool(2)) as engine:
        passes = draw(description, 2)
        engine.run(passes)
        print(*engine.pool.pids, flush=True)
        while True:
            engine.run(passes)
"""


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks processes up in /proc")
@pytest.mark.parametrize("stopped", [False, True])
def test_workers_end_when_the_process_that_asks_is_killed(tmp_path: Path, stopped: bool) -> None:
    asker = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(BUSY.format(tests=str(ROOT / "tests")))],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        text=True,
    )
    with asker:
        assert asker.stdout
        pids = [int(word) for word in asker.stdout.readline().split()]
        assert sorted(pids) == sorted(workers_in(tmp_path))
        if stopped:
            os.kill(pids[0], signal.SIGSTOP)
        asker.kill()
    assert gone(tmp_path)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks processes up in /proc")
def test_a_run_stopped_by_ctrl_c_leaves_no_worker(tmp_path: Path) -> None:
    files = tmp_path / "files"
    files.mkdir()
    typed = ["--layers", "2,2,1", "--epochs", "1000", "--samples", "64", "--batch", "16"]
    running = subprocess.Popen(
        [sys.executable, "-m", "sim.run", *typed, "--jobs", "2", "--out", str(tmp_path / "run")],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(files)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    with running:
        end = time.monotonic() + SEEN
        while len(workers_in(files)) < 2 and time.monotonic() < end:
            time.sleep(0.05)
        assert len(workers_in(files)) == 2
        time.sleep(0.5)  # into the training, or not: it must not matter
        os.killpg(running.pid, signal.SIGINT)
        assert running.stderr
        assert "stopped by Ctrl-C" in running.stderr.read()
    assert running.returncode == 130
    assert not workers_in(files)
    assert not list(files.iterdir())


# --- the command


def test_a_run_gives_the_same_with_any_number_of_jobs(
    tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    typed = ["--layers", "2,2,1", "--epochs", "1", "--samples", "8", "--batch", "8"]
    for jobs in ("1", "2"):
        assert run([*typed, "--jobs", jobs, "--out", str(tmp_path / jobs)]) == 0
    assert "in 2 workers together" in capsys.readouterr().out
    one, two = (json.loads((tmp_path / jobs / "summary.json").read_text()) for jobs in "12")
    assert (one["workers"]["jobs"], two["workers"]["jobs"]) == (1, 2)
    assert one["workers"]["replaced"] == two["workers"]["units_asked_again"] == 0
    assert one["loss"]["in_loop"] > 0
    for summary in (one, two):
        del summary["time"], summary["workers"]
    assert one == two
    with np.load(tmp_path / "1/weights.npz") as mine, np.load(tmp_path / "2/weights.npz") as theirs:
        for name in mine.files:
            np.testing.assert_array_equal(mine[name], theirs[name])
    texts = [(tmp_path / jobs / "config.toml").read_text() for jobs in "12"]
    assert texts[0] == texts[1]


@pytest.mark.parametrize("number", ["0", "-1", "1025", "2.5", "two", ""])
@pytest.mark.parametrize("command", [run, attribute], ids=["run", "attribute"])
def test_a_number_of_jobs_that_is_none_gets_one_line(
    command: Callable[[list[str]], int], number: str, capsys: pytest.CaptureFixture
) -> None:
    assert command(["--jobs", number]) == 2
    complaint = capsys.readouterr().err
    wanted = "'--jobs': wanted a whole number of at least 1 and at most 1,024, got "
    assert f"{wanted}{number!r}" in complaint
    assert complaint.count("\n") == 1
