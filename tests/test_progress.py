"""What a run shows while it is at work: the panel of a terminal, and the lines of a pipe."""

import csv
import fcntl
import io
import itertools
import math
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pytest
from rich.cells import cell_len
from rich.console import Console

from sim import loop
from sim.pace import Pace, format_duration
from sim.panel import TrainingPanel, sparkline
from sim.progress import TrainingProgress, live
from sim.record import RunFolder
from sim.run import main
from sim.settings import load_config
from sim.training import Training

pytestmark = pytest.mark.usefixtures("undrawn")

ROOT = Path(__file__).parents[1]
SHORT = ("--layers", "2,2,1", "--t-aperture", "10u", "--no-erc", "--samples", "10")
SIZES = ((120, 40), (80, 24), (60, 20), (60, 10), (40, 10), (40, 6), (30, 4), (20, 3), (10, 2))


def ticking(times: Iterable[float]) -> Callable[[], float]:
    left = iter(times)
    return lambda: next(left)


# --- rate and time left -------------------------------------------------------------------------
def test_a_rate_is_over_the_last_ten_seconds() -> None:
    # 100 samples/s for 20 s, then 10 samples/s for 12 s.
    seconds = [*np.arange(0, 20.0001, 0.5), *np.arange(20.5, 32.0001, 0.5)]
    seen = [min(t, 20) * 100 + max(t - 20, 0) * 10 for t in seconds]
    pace = Pace(4120, clock=ticking(seconds))
    rates = []
    for count in seen[1:]:
        pace.note(int(count))
        rates.append(pace.rate)
    assert rates[:40] == pytest.approx([100] * 40)
    assert rates[49] == pytest.approx(55)  # 5 s of either
    assert rates[-1] == pytest.approx(10)
    assert pace.left == pytest.approx((4120 - 2120) / 10)
    assert pace.elapsed == 32


def test_a_step_longer_than_that_has_a_rate_too() -> None:
    pace = Pace(10, 4, ticking([0, 60, 120, 180]))
    for seen in (5, 6, 7):
        pace.note(seen)
    assert pace.rate == pytest.approx(1 / 60)
    assert pace.left == pytest.approx(180)


def test_there_is_no_rate_before_time_has_passed() -> None:
    pace = Pace(10, clock=lambda: 5.0)
    pace.note(3)
    assert math.isnan(pace.rate)
    assert math.isnan(pace.left)
    pace.note(10)
    assert pace.left == 0


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.4, "0 s"),
        (59.4, "59 s"),
        (59.6, "1 min"),
        (80, "1 min 20 s"),
        (3599.7, "1 h"),
        (11100, "3 h 5 min"),
        (86400 * 3 + 7300, "3 d 2 h"),
        (math.nan, "?"),
    ],
)
def test_durations_are_in_two_units(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text


def test_a_sparkline_reaches_from_its_lowest_to_its_highest() -> None:
    assert sparkline([0, 1, 2, 3.5, 7]) == "▁▂▃▅█"
    assert sparkline([3, 3]) == "▁▁"
    assert sparkline([1, math.nan, 2, -math.inf]) == "▁ █ "
    assert sparkline([]) == ""


# --- the panel ----------------------------------------------------------------------------------
def small_training(samples: int, epochs: int) -> Training:
    given = {"task.layers": "2,2,1", "task.samples": samples, "task.epochs": epochs}
    simulation = {"simulation.fidelity": "op", "simulation.erc": False}
    setup = loop.set_up(load_config(None, None, given | simulation))
    return loop.begin(setup, loop.make_engines(setup))


@pytest.fixture(scope="module")
def training() -> Training:
    """Two epochs and a part of the third."""
    training = small_training(samples=30, epochs=4)
    assert not loop.train(training, stop=lambda: training.seen == 71)
    return training


def shown(training: Training, width: int, height: int, encoding: str = "utf-8") -> list[str]:
    pace = Pace(120, 0, ticking(itertools.count()))
    pace.note(training.seen)
    raw = io.BytesIO()
    with io.TextIOWrapper(raw, encoding=encoding) as file:
        Console(file=file, width=width, height=height, color_system=None).print(
            TrainingPanel(training, pace), end=""
        )
        file.flush()
        return raw.getvalue().decode(encoding).splitlines()


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_the_panel_fits_any_terminal(training: Training, width: int, height: int) -> None:
    lines = shown(training, width, height)
    assert 1 <= len(lines) < height
    assert max(cell_len(line) for line in lines) <= width
    text = "\n".join(lines)
    assert "epoch" in text
    assert ("epoch 3/4" in text) is (width >= 20)
    assert ("59 %" in text) is (width >= 20)
    assert ("ngspice" in text) is (height >= 3)
    if width >= 40 and height >= 10:  # whole numbers, or none
        figures = [f"{np.mean(training.epochs[1].losses[n]):.3g}" for n in ("ideal", "in_loop")]
        for figure in (*figures, f"{1e3 * training.epochs[1].deviation:.3g} mV"):
            assert figure in text
        assert "…" not in text


def test_the_panel_says_what_each_count_is_over(training: Training) -> None:
    lines = {line.strip("│ ").split("  ")[0]: line for line in shown(training, 80, 24)}
    one = training.learners["in_loop"]
    last, underway = training.epochs[1], training.underway
    assert underway
    assert re.findall(r"epoch \d+|under way|so far|last epochs", lines["epoch 2"]) == [
        *("epoch 2", "under way", "so far", "last epochs"),
    ]
    assert re.findall(r"[\d,.]+", lines["skipped updates"]) == [
        f"{last.skipped['in_loop']}",
        f"{one.skipped - underway.skipped['in_loop']}",
        *(f"{one.skipped}", "71", f"{100 * one.skipped / 71:.1f}"),
    ]
    assert re.findall(r"[\d,.]+", lines["doubtful passes"]) == [
        f"{last.doubtful['in_loop']}",
        f"{one.tally.doubtful - underway.doubtful['in_loop']}",
        *(f"{one.tally.doubtful}", "142", f"{100 * one.tally.doubtful / 142:.1f}"),
    ]
    mean = np.mean(underway.losses["ideal"][underway.order[:11]])
    assert f"{mean:.3g}" in lines["loss ideal"]
    assert f"{1e3 * underway.deviation:.3g} mV" in lines["deviation rms"]
    for doubt, count in one.tally.reasons.items():
        assert any(f"{count} {doubt.reason}" in line for line in lines.values()) is (count > 0)


def test_the_panel_keeps_to_ascii_where_the_terminal_does(training: Training) -> None:
    lines = shown(training, 80, 24, "ascii")
    assert any("loss in loop" in line and "#_" in line for line in lines)


def test_a_training_that_has_not_begun_has_a_panel() -> None:
    setup = loop.set_up(load_config(None, None, {"simulation.engine": "ideal"}))
    lines = shown(loop.begin(setup, loop.make_engines(setup)), 80, 24)
    assert any("epoch 0/100" in line for line in lines)
    assert any("ideal mathematics" in line for line in lines)
    assert not any(word in " ".join(lines) for word in ("in loop", "deviation", "doubtful"))


# --- plain lines --------------------------------------------------------------------------------
LINE = re.compile(
    r"epoch (?P<epoch>\d+)/12  loss: ideal (?P<ideal_mean>\S+)  in loop (?P<in_loop_mean>\S+)"
    r"  deviation (?P<deviation>\S+) mV  skipped (?P<skipped>\d+)  doubtful (?P<doubtful>\d+)"
    r" of (?P<passes>\d+)  (?P<rate>\S+) samples/s(  (?P<left>\d+ s) left)?"
)


def test_plain_lines_say_what_history_says(tmp_path: Path) -> None:
    training = small_training(samples=10, epochs=12)
    console = Console(file=io.StringIO(), width=40)
    with TrainingProgress(console, training, quiet=False) as progress:
        loop.train(training, after_step=progress.step, after_epoch=progress.epoch)
    RunFolder(tmp_path).write_history(training.epochs)
    assert isinstance(console.file, io.StringIO)
    printed = console.file.getvalue()
    lines = [LINE.fullmatch(line) for line in printed.splitlines()]
    with (tmp_path / "history.csv").open(encoding="utf8") as file:
        rows = [{k: float(v) for k, v in row.items()} for row in csv.DictReader(file)]
    # Ten at most, and the first.
    assert [int(line["epoch"]) for line in lines if line] == [1, 2, 4, 6, 8, 10, 12]
    for line in filter(None, lines):
        number = int(line["epoch"])
        row, past = rows[number - 1], rows[:number]
        for name in ("ideal_mean", "in_loop_mean"):
            assert line[name] == f"{row[name]:.3g}"
        assert float(line["deviation"]) == pytest.approx(
            1e3 * row["in_loop_deviation_rms"], rel=5e-3
        )
        assert int(line["skipped"]) == sum(each["in_loop_skipped"] for each in past)
        assert int(line["doubtful"]) == sum(each["in_loop_doubtful"] for each in past)
        assert int(line["passes"]) == number * 20
        assert (line["left"] is None) is (number == 12)
    assert "\x1b" not in printed


def test_lines_of_the_ideal_twin_alone_know_no_circuit() -> None:
    setup = loop.set_up(
        load_config(None, None, {"simulation.engine": "ideal", "task.epochs": 1, "task.samples": 5})
    )
    training = loop.begin(setup, loop.make_engines(setup))
    console = Console(file=io.StringIO(), width=40)
    pace = Pace(5, clock=ticking([0.0, 0.5, 1.0, 1.5, 2.0, 2.5]))
    with TrainingProgress(console, training, pace=pace, quiet=False) as progress:
        loop.train(training, after_step=progress.step, after_epoch=progress.epoch)
    loss, skipped = training.epochs[0].losses["ideal"].mean(), training.learners["ideal"].skipped
    assert isinstance(console.file, io.StringIO)
    assert console.file.getvalue() == (
        f"epoch 1/1  loss: ideal {loss:.3g}  skipped {skipped}  2 samples/s\n"
    )


def test_quiet_is_quiet(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "run"
    assert main(["--engine", "ideal", "--epochs", "1", "--quiet", "--out", str(out)]) == 0
    assert capsys.readouterr().out == ""


# --- a terminal ---------------------------------------------------------------------------------
def in_terminal(
    options: tuple[str, ...],
    width: int,
    height: int,
    *,
    interrupt_at: bytes = b"",
    **environment: str,
) -> tuple[int, str]:
    """A run in a terminal of its own; the exit code, and all that the terminal was sent.

    Args:
        options: of the run.
        width: columns.
        height: lines.
        interrupt_at: what is sent before Ctrl-C is typed, if it is.
        environment: beside the test's own.
    """
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))
    kept = {k: v for k, v in os.environ.items() if k not in {"COLUMNS", "LINES", "NO_COLOR"}}
    # The first terminal that a session opens becomes its own: there Ctrl-C makes a signal.
    own = ("/bin/sh", "-c", 'exec "$@" <"$0" >"$0" 2>&1', os.ttyname(theirs))
    process = subprocess.Popen(
        [*own, sys.executable, "-m", "sim.run", *options],
        cwd=ROOT,
        env={**kept, "TERM": "xterm", **environment},
        start_new_session=True,
    )
    # Ours reads its end once the other side is closed everywhere: first it has to be open there.
    select.select([ours], [], [], 60)
    os.close(theirs)
    sent, until = bytearray(), time.monotonic() + 60
    try:
        while time.monotonic() < until:
            if not select.select([ours], [], [], 1.0)[0]:
                continue
            try:
                sent += os.read(ours, 65536)
            except OSError:  # the other side is closed
                break
            if interrupt_at and interrupt_at in sent:
                os.write(ours, b"\x03")
                interrupt_at = b""
        return process.wait(10), sent.decode()
    finally:
        process.kill()
        process.wait()
        os.close(ours)


def without_controls(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)


def test_ctrl_c_leaves_the_panel_the_message_and_a_cursor(tmp_path: Path) -> None:
    out = tmp_path / "run"
    options = (*SHORT, "--epochs", "500", "--out", str(out))
    code, sent = in_terminal(options, 120, 40, interrupt_at=b"under way")
    assert code == 130
    assert sent.rindex("\x1b[?25h") > sent.rindex("\x1b[?25l")
    after = without_controls(sent[sent.index("^C") :])
    lines = after.replace("\r\n", "\n").replace("\r", "").split("\n")
    assert lines[:2] == ["^C", "stopping after the step under way; once more stops at once"]
    # Nothing is drawn over the message.
    below = sent[sent.index("once more stops at once\r\n") :]
    ups, downs = below.count("\x1b[1A"), below[: below.index("teacher")].count("\n")
    assert ups < downs
    assert re.fullmatch(
        rf"error: stopped by Ctrl-C after \d+ epochs and \d+ samples; go on with: .* {out}",
        lines[-2],
    )
    assert lines[-1] == ""


@pytest.mark.parametrize(("width", "height"), [(60, 20), (40, 10)])
def test_a_run_to_its_end_leaves_its_last_panel(width: int, height: int, tmp_path: Path) -> None:
    options = ("--engine", "ideal", "--epochs", "20", "--samples", "10")
    options = (*options, "--out", str(tmp_path / "run"))
    code, sent = in_terminal(options, width, height, NO_COLOR="1")
    assert code == 0
    assert sent.rindex("\x1b[?25h") > sent.rindex("\x1b[?25l")
    assert not re.search(r"\x1b\[[0-9;]*3[0-7]m", sent)
    text = without_controls(sent)
    assert "epoch 20/20" in text
    assert "100 %" in text
    panel = text[text.index("epoch 0/20") : text.index("scoring after")]
    assert max(cell_len(line) for line in re.split(r"[\r\n]+", panel)) <= width


@pytest.mark.parametrize(
    ("environment", "terminal", "wanted"),
    [
        ({"TERM": "xterm"}, True, True),
        ({"TERM": "xterm", "NO_COLOR": "1"}, True, True),
        ({"TERM": "dumb"}, True, False),
        ({"TERM": "xterm"}, False, False),
        ({"TERM": "xterm", "FORCE_COLOR": "1"}, False, False),
        ({"TERM": "xterm", "TTY_INTERACTIVE": "0"}, True, False),
    ],
)
def test_a_panel_is_for_whom_can_watch_one(
    environment: dict[str, str], *, terminal: bool, wanted: bool
) -> None:
    class File(io.StringIO):
        def isatty(self) -> bool:
            return terminal

    assert live(Console(file=File(), _environ=environment)) is wanted
