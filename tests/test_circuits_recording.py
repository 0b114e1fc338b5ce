"""Recordings in every format against numpy, and one sentence for each that is none."""

import re
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import tolerances
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from pyarrow import parquet

from circuits.errors import UserError
from circuits.recording import Recording, Tape

Array = NDArray[np.float64]

STEP = 25e-6
LONG = 2_000_000
CHUNK = 65_536
HELD = 4e6
"""Bytes; a chunk of 0.5 MB in pyarrow, one in numpy, pages and buffers; the file has 16 MB."""

MOMENTS = 1e-10
"""Mean and sigma of 2e6 samples in another order of summing: 1e-16 · √2e6, over sigma/mean."""


def noise(length: int, seed: int = 0) -> Array:
    return 42e-3 + 6e-3 * np.random.default_rng(seed).normal(size=length)


def save_parquet(path: Path, group: int | None = None, **columns: Any) -> Path:
    parquet.write_table(pa.table(columns), path, row_group_size=group)
    return path


def save_text(path: Path, text: str | bytes) -> Path:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def csv_of(header: str, *columns: NDArray[Any], mark: str = ",") -> str:
    rows = (mark.join(repr(float(x)) for x in row) for row in zip(*columns, strict=True))
    return "\n".join([header, *rows] if header else rows) + "\n"


def save_npy(path: Path, array: Any, *, allow_pickle: bool = False) -> Path:
    np.save(path, array, allow_pickle=allow_pickle)
    return path


def save_chunks(folder: Path, values: Array, names: list[str], **kwargs: Any) -> Path:
    folder.mkdir()
    for name, part in zip(names, np.array_split(values, len(names)), strict=True):
        save_parquet(folder / name, V=part, **kwargs)
    return folder


def structured(v: Array) -> NDArray[Any]:
    rows = np.zeros(len(v), dtype=[("time_s", "f8"), ("k", "i4"), ("V", ">f4")])
    rows["time_s"], rows["V"] = STEP * np.arange(len(v)), v
    return rows


V = noise(1000)
T = 3.0 + STEP * np.arange(1000)
FORMATS: dict[str, Callable[[Path], Recording]] = {
    "csv with time": lambda p: Recording(save_text(p / "a.csv", csv_of("t,V", T, V))),
    "csv, other order": lambda p: Recording(save_text(p / "a.csv", csv_of("V,Time", V, T))),
    "csv, only column": lambda p: Recording(
        save_text(p / "a.CSV", csv_of("noise (mV), time", V, T))
    ),
    "csv without header": lambda p: Recording(
        save_text(p / "a.csv", csv_of("", V)), sample_time=STEP
    ),
    "txt with comments": lambda p: Recording(
        save_text(p / "a.txt", "# scope 3\n\n# V\n" + csv_of("", V)), sample_time=STEP
    ),
    "txt by number": lambda p: Recording(
        save_text(p / "a.txt", csv_of("", T, V, mark=" ")), column="1", sample_time=STEP
    ),
    "csv with a byte-order mark": lambda p: Recording(
        save_text(p / "a.csv", "\ufeff" + csv_of("V", V)), sample_time=STEP
    ),
    "csv with a mark and no header": lambda p: Recording(
        save_text(p / "a.csv", "\ufeff" + csv_of("", V)), sample_time=STEP
    ),
    "csv of Windows": lambda p: Recording(
        save_text(p / "a.csv", csv_of('"t";"V"', T, V, mark=";").replace("\n", "\r\n"))
    ),
    "csv with text beside": lambda p: Recording(
        save_text(p / "a.csv", "t,V,note\n" + csv_of("", T, V).replace("\n", ",ok\n"))
    ),
    "csv of pandas": lambda p: Recording(
        save_text(p / "a.csv", csv_of(",V", np.arange(1000.0), V)), sample_time=STEP
    ),
    "csv, one name twice, by number": lambda p: Recording(
        save_text(p / "a.csv", csv_of("V,V", T, V)), column="1", sample_time=STEP
    ),
    "tsv": lambda p: Recording(save_text(p / "a.tsv", csv_of("t\tV", T, V, mark="\t"))),
    "npy": lambda p: Recording(save_npy(p / "a.npy", V), sample_time=STEP),
    "npy of two columns": lambda p: Recording(
        save_npy(p / "a.npy", np.stack([T, V], axis=1)), column="1", sample_time=STEP
    ),
    "npy in Fortran's order": lambda p: Recording(
        save_npy(p / "a.npy", np.stack([T, V]).T), column="1", sample_time=STEP
    ),
    "structured npy": lambda p: Recording(save_npy(p / "a.npy", structured(V))),
    "structured npy by number": lambda p: Recording(
        save_npy(p / "a.npy", structured(V)), column="2"
    ),
    "parquet": lambda p: Recording(save_parquet(p / "a.parquet", time=T, V=V)),
    "parquet of row groups": lambda p: Recording(save_parquet(p / "a.pqt", 7, t=T, V=V)),
    "parquet with dots": lambda p: Recording(
        save_parquet(p / "a.pqt", **{"V.x": T, "V": V, "a.b": T}), sample_time=STEP
    ),
    "parquet, only numbers": lambda p: Recording(
        save_parquet(p / "a.pqt", t=T, note=["x"] * 1000, u=V)
    ),
    "chunks": lambda p: Recording(
        save_chunks(p / "a", V, [f"v{k}.pqt" for k in range(12)]), sample_time=STEP
    ),
    "chunks from 1, padded": lambda p: Recording(
        save_chunks(p / "a", V, [f"2024-{k:03d}.parquet" for k in range(1, 12)], group=13),
        sample_time=STEP,
    ),
}


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_gives_back_what_was_written(name: str, tmp_path: Path) -> None:
    recording = FORMATS[name](tmp_path)
    wanted = V.astype("f4").astype("f8") if name.startswith("structured") else V
    np.testing.assert_array_equal(np.concatenate(list(recording.chunks())), wanted)
    for start in (1, 7, 12, 84, 500, 999):
        np.testing.assert_array_equal(np.concatenate(list(recording.chunks(start))), wanted[start:])
    assert list(recording.chunks(1000)) == []
    assert recording.length == 1000
    assert recording.sample_time == pytest.approx(STEP, rel=tolerances.NINE_DIGITS)
    assert recording.mean == pytest.approx(wanted.mean(), rel=tolerances.ROUNDING)
    assert recording.sigma == pytest.approx(wanted.std(), rel=tolerances.ROUNDING)
    assert (recording.minimum, recording.maximum) == (wanted.min(), wanted.max())


@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("tsv", "V"),
        ("npy", "0"),
        ("csv, only column", "noise (mV)"),
        ("txt by number", "1"),
        ("structured npy by number", "V"),
    ],
)
def test_the_column_is_named(name: str, column: str, tmp_path: Path) -> None:
    assert FORMATS[name](tmp_path).column == column


def test_integers_and_single_precision_are_read_as_volts(tmp_path: Path) -> None:
    for k, kind in enumerate(("i2", "u1", "f2", "f4", ">f8")):
        array = np.array([1, 2, 2, 5], dtype=kind)
        paths = [save_npy(tmp_path / f"{k}.npy", array)]
        if kind != ">f8":
            paths.append(save_parquet(tmp_path / f"{k}.pqt", V=array))
        for path in paths:
            values = Tape(Recording(path, sample_time=STEP)).read(5)
            assert values.dtype == np.float64
            np.testing.assert_array_equal(values, [1, 2, 2, 5, 1])


def test_the_sample_time_given_wins(tmp_path: Path) -> None:
    path = save_text(tmp_path / "a.csv", csv_of("t,V", T, V))
    assert Recording(path, sample_time=2 * STEP).sample_time == 2 * STEP
    path = save_text(tmp_path / "b.csv", csv_of("t,V", T**2, V))
    assert Recording(path, sample_time=STEP).sample_time == STEP


def test_moments_survive_a_large_mean(tmp_path: Path) -> None:
    v = 1e6 + noise(3 * CHUNK)
    recording = Recording(save_npy(tmp_path / "a.npy", v), sample_time=STEP)
    # 1e6 V resolves 1e-10 V, the sigma is 6 mV.
    assert recording.sigma == pytest.approx(6e-3, rel=0.01)
    assert recording.sigma == pytest.approx(v.std(), rel=1e-7)
    assert recording.mean == pytest.approx(v.mean(), rel=tolerances.ROUNDING)


def save_long(path: Path, kind: str) -> Path:
    v = noise(LONG)
    if kind == "parquet in one row group":
        return save_parquet(path / "a.pqt", LONG, V=v)
    if kind == "folder":
        return save_chunks(path / "a", v, [f"v{k}.pqt" for k in range(11)])
    return save_npy(path / "a.npy", v)


@pytest.mark.parametrize("kind", ["parquet in one row group", "folder", "npy"])
def test_a_long_recording_is_never_held_whole(kind: str, tmp_path: Path) -> None:
    path = save_long(tmp_path, kind)
    before = pa.total_allocated_bytes()
    tracemalloc.start()
    recording = Recording(path, sample_time=STEP)
    tape, held = Tape(recording), 0
    parts = []
    for _ in range(LONG // 50_000 + 3):
        parts.append(tape.read(50_000)[::1000].copy())
        held = max(held, pa.total_allocated_bytes() - before)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert held < HELD
    assert peak < HELD
    v = noise(LONG)
    np.testing.assert_array_equal(np.concatenate(parts), np.append(v, v[:150_000])[::1000])
    assert recording.mean == pytest.approx(v.mean(), rel=MOMENTS)
    assert recording.sigma == pytest.approx(v.std(), rel=MOMENTS)
    assert max(len(piece) for piece in recording.chunks()) == CHUNK


def test_long_text_is_read_in_chunks(tmp_path: Path) -> None:
    v = np.round(noise(3 * CHUNK), 4)
    path = save_text(tmp_path / "a.csv", csv_of("V", v))
    before = pa.total_allocated_bytes()
    pieces = []
    for piece in Recording(path, sample_time=STEP).chunks(5):
        assert len(piece) <= CHUNK
        assert pa.total_allocated_bytes() - before < HELD
        pieces.append(piece)
    assert len(pieces) > 3
    np.testing.assert_array_equal(np.concatenate(pieces), v[5:])


@pytest.fixture(scope="module")
def short(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Recording]:
    folder = tmp_path_factory.mktemp("short")
    return {
        length: Recording(save_parquet(folder / f"{length}.pqt", 5, V=V[:length]), sample_time=STEP)
        for length in (2, 17)
    }


@given(length=st.sampled_from([2, 17]), sizes=st.lists(st.integers(0, 60), max_size=20))
def test_any_sequence_of_reads_is_the_recording_over_and_over(
    short: dict[int, Recording], length: int, sizes: list[int]
) -> None:
    tape = Tape(short[length])
    got = [tape.read(size) for size in sizes]
    assert [len(part) for part in got] == sizes
    wanted = np.resize(V[:length], sum(sizes))
    np.testing.assert_array_equal(np.concatenate([*got, []]), wanted)


@pytest.mark.parametrize("length", [CHUNK - 1, CHUNK, CHUNK + 1])
def test_wrapping_around_is_exact_at_the_size_of_a_chunk(length: int, tmp_path: Path) -> None:
    v = noise(length)
    tape = Tape(Recording(save_parquet(tmp_path / "a.pqt", V=v), sample_time=STEP))
    got = [tape.read(size) for size in (3, 3 * length, 0, length)]
    np.testing.assert_array_equal(np.concatenate(got), np.resize(v, 3 + 4 * length))


def test_two_tapes_of_one_recording_keep_their_own_places(short: dict[int, Recording]) -> None:
    one, other = Tape(short[17]), Tape(short[17])
    one.read(5)
    np.testing.assert_array_equal(other.read(3), V[:3])
    np.testing.assert_array_equal(one.read(3), V[5:8])


def test_what_is_read_may_be_written_to(short: dict[int, Recording]) -> None:
    tape = Tape(short[17])
    tape.read(17)[:] = 0
    for piece in short[17].chunks():
        piece[:] = 0
    np.testing.assert_array_equal(tape.read(17), V[:17])


def test_places_outside_are_refused(short: dict[int, Recording]) -> None:
    for start in (-1, 18):
        with pytest.raises(ValueError, match=f"start: wanted 0 to 17, got {start}"):
            short[17].chunks(start)
    with pytest.raises(ValueError, match="negative dimensions"):
        Tape(short[17]).read(-1)


def cut(path: Path, share: float) -> Path:
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    return path


def with_nan(kind: float) -> Array:
    v = noise(200_000)
    v[[150_000, 170_000]] = kind
    return v


def touch(folder: Path, *names: str) -> Path:
    for name in names:
        save_parquet(folder / name, V=V[:5])
    return folder


def unlike(folder: Path) -> Path:
    save_parquet(folder / "v0.pqt", V=V)
    save_parquet(folder / "v1.pqt", U=V)
    return folder


BAD: dict[str, tuple[Callable[[Path], Path], str]] = {
    "no file": (lambda p: p / "a.csv", r"a\.csv: there is no such file or folder$"),
    "a nul": (lambda p: p / "a\0.csv", "there is no such file or folder$"),
    "line break": (lambda p: p / "a\nb.csv", "a b.csv: there is no such file"),
    "too long": (lambda p: p / ("a" * 300 + ".csv"), "cannot read: File name too long"),
    "empty folder": (lambda p: p, "is a folder without parquet, wanted noise0.pqt, noise1.pqt"),
    "suffix": (
        lambda p: save_text(p / "a.xlsx", "V\n1\n"),
        r"wanted a file in \.csv, .*\.pqt or a folder of parquet, got '.xlsx'$",
    ),
    "empty csv": (lambda p: save_text(p / "a.csv", ""), r"a\.csv: is empty, wanted samples$"),
    "empty npy": (lambda p: save_text(p / "a.npy", ""), "is empty, wanted samples$"),
    "empty parquet": (lambda p: save_text(p / "a.pqt", ""), "is empty, wanted samples$"),
    "blank": (lambda p: save_text(p / "a.csv", "\n# V\n \n"), "blank lines and comments alone"),
    "header": (lambda p: save_text(p / "a.csv", "V\n"), "at least 2 samples, got 0$"),
    "one sample": (lambda p: save_text(p / "a.csv", "V\n1\n"), "at least 2 samples, got 1$"),
    "lone number": (lambda p: save_text(p / "a.csv", "1"), "at least 2 samples, got 1$"),
    "no samples npy": (lambda p: save_npy(p / "a.npy", np.zeros(0)), "2 samples, got 0$"),
    "no samples pqt": (lambda p: save_parquet(p / "a.pqt", V=np.zeros(0)), "2 samples, got 0$"),
    "nan": (
        lambda p: save_npy(p / "a.npy", with_nan(np.nan)),
        r"2 of 200000 samples are missing or no finite .* 150000 \(counted from 0\): nan; cut them",
    ),
    "inf": (lambda p: save_parquet(p / "a.pqt", 999, V=with_nan(-np.inf)), "sample 150000.*: -inf"),
    "huge": (lambda p: save_npy(p / "a.npy", with_nan(1e300)), "sample 150000.*: 1e.300"),
    "null": (lambda p: save_parquet(p / "a.pqt", V=[1.0, None, 2.0]), "1 of 3 .* sample 1 .*nan"),
    "null int": (lambda p: save_parquet(p / "a.pqt", V=[1, 2, None]), "1 of 3 .* sample 2 .*nan"),
    "nan text": (lambda p: save_text(p / "a.csv", "V\n1\nNaN\n2\n"), "sample 1 .*: nan"),
    "level": (
        lambda p: save_npy(p / "a.npy", np.full(200_000, 0.1)),
        "all 200000 samples are 0.1 V, wanted noise; is it the right column",
    ),
    "ambiguous": (
        lambda p: save_text(p / "a.csv", "t,a,b\n0,1,2\n"),
        "which column is the voltage. pass --column with one of 't', 'a', 'b'$",
    ),
    "unnamed": (lambda p: save_npy(p / "a.npy", np.eye(3)), "with one of '0', '1', '2'$"),
    "many": (lambda p: save_npy(p / "a.npy", np.eye(50)), r"'11', … \(50 in all\)$"),
    "twice": (lambda p: save_text(p / "a.csv", "V,V\n0,1\n"), "column 'V' is there 2 times$"),
    "twice pqt": (
        lambda p: (
            parquet.write_table(pa.table([pa.array(V), pa.array(V)], names=["V", "V"]), p / "a.pqt")
            or p / "a.pqt"
        ),
        "columns share a name: 'V', 'V'$",
    ),
    "text row": (
        lambda p: save_text(p / "a.csv", "# c\nV\n1\n\n2\nx\n3\n"),
        "line 6, column 'V': wanted a number, got 'x'$",
    ),
    "blank field": (
        lambda p: save_text(p / "a.csv", "V,w\n1,1\n,2\n"),
        "line 3, column 'V': wanted a number, got ''$",
    ),
    "comma": (
        lambda p: save_text(p / "a.csv", "x;V\n1;0,5\n1;0,6\n"),
        "line 2, column 'V': wanted a number, got '0,5'$",
    ),
    "text first": (lambda p: save_text(p / "a.csv", "V\nx\n1\n"), "line 2, .* got 'x'$"),
    "underscore": (lambda p: save_text(p / "a.csv", "V\n1\n1_0\n"), "line 3, .* got '1_0'$"),
    "ragged": (
        lambda p: save_text(p / "a.csv", "w,V\n1,2\n3\n"),
        "line 3: wanted 2 columns, got 1$",
    ),
    "ragged wide": (
        lambda p: save_text(p / "a.csv", "V\n1\n2\n3,4\n"),
        "line 4: wanted 1 columns, got 2$",
    ),
    "ragged late": (
        lambda p: save_text(p / "a.csv", "w,V\n" + "1,2\n" * 300_000 + "1,2,3\n"),
        "line 300002: wanted 2 columns, got 3$",
    ),
    "utf16": (lambda p: save_text(p / "a.csv", "V\n1\n".encode("utf16")), "is not UTF-8 text"),
    "binary": (lambda p: save_text(p / "a.csv", bytes(range(256)) * 9), "is not UTF-8 text"),
    "zeros": (lambda p: save_text(p / "a.csv", bytes(5000)), r"a\.csv: "),
    "endless line": (lambda p: save_text(p / "a.csv", "V\n1\n" + "1" * 300_000), r"a\.csv: "),
    "long header": (lambda p: save_text(p / "a.csv", "V" * 300_000 + "\n1\n"), r"a\.csv: "),
    "cut npy": (lambda p: cut(save_npy(p / "a.npy", V), 0.5), "is no whole npy file: .*; copy or"),
    "cut head": (lambda p: cut(save_npy(p / "a.npy", V), 0.005), "is no whole npy file: "),
    "no npy": (lambda p: save_text(p / "a.npy", "V\n1\n"), "is no whole npy file: "),
    "objects": (
        lambda p: save_npy(p / "a.npy", np.array([{}]), allow_pickle=True),
        "is no whole npy file: ",
    ),
    "scalar": (lambda p: save_npy(p / "a.npy", 3.0), r"1 or 2 dimensions, got shape \(\)$"),
    "cube": (lambda p: save_npy(p / "a.npy", np.ones((2, 2, 2))), r"got shape \(2, 2, 2\)$"),
    "complex": (lambda p: save_npy(p / "a.npy", V + 1j), "'0': wanted numbers, got complex128$"),
    "strings": (lambda p: save_npy(p / "a.npy", ["a", "b"]), "'0': wanted numbers, got <U1$"),
    "text pqt": (lambda p: save_parquet(p / "a.pqt", V=["1"]), "'V': wanted numbers, got string$"),
    "lists": (lambda p: save_parquet(p / "a.pqt", V=[[1.0]]), "'V': wanted numbers, got list<"),
    "cut pqt": (lambda p: cut(save_parquet(p / "a.pqt", V=V), 0.5), "is no whole parquet file: "),
    "no pqt": (lambda p: save_text(p / "a.pqt", "V\n1\n2\n"), "is no whole parquet file: "),
    "cut chunk": (
        lambda p: cut(touch(p, "v0.pqt", "v1.pqt") / "v1.pqt", 0.9).parent,
        r"v1\.pqt: is no whole parquet file: ",
    ),
    "gap": (
        lambda p: touch(p, *(f"v{k}.pqt" for k in (0, 1, 2, 9, 10))),
        r": v3\.pqt is missing, there is v9\.pqt$",
    ),
    "gap, padded": (
        lambda p: touch(p, "v008.pqt", "v007.pqt", "v010.pqt"),
        r": v001\.pqt is missing, there is v007\.pqt$",
    ),
    "same number": (lambda p: touch(p, "v1.pqt", "v01.pqt"), "number 1 is there twice, once as v"),
    "prefixes": (
        lambda p: touch(p, "v0.pqt", "w1.pqt"),
        "holds chunks of several recordings: 'v', 'w'$",
    ),
    "no number": (lambda p: touch(p, "v0.pqt", "x.pqt"), r"x\.pqt: wanted a name that ends in"),
    "unlike": (unlike, r"v1\.pqt: columns 'U' are not like those of v0\.pqt: 'V'$"),
}


def refusal(path: Path, **given: Any) -> str:
    with pytest.raises(UserError) as caught:
        Recording(path, **given)
    message = str(caught.value)
    assert message.splitlines() == [message]
    assert message.startswith(" ".join(str(path).splitlines()))
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    return message


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_recording_is_refused_in_one_line(name: str, tmp_path: Path) -> None:
    make, wanted = BAD[name]
    assert re.search(wanted, refusal(make(tmp_path), sample_time=STEP))


def test_columns_that_are_not_there_are_refused(tmp_path: Path) -> None:
    path = save_text(tmp_path / "a.csv", csv_of("t,V", T, V))
    for column in ("U", "2", "-1", "", "²"):
        assert refusal(path, column=column).endswith(f"no column {column!r}; there are 't', 'V'")


@pytest.mark.parametrize("given", [0.0, -1.0, np.nan, np.inf])
def test_a_sample_time_must_be_above_zero(given: float, tmp_path: Path) -> None:
    path = save_npy(tmp_path / "a.npy", V)
    assert "sample_time: wanted a time above 0 s, got " in refusal(path, sample_time=given)


def test_a_missing_sample_time_is_asked_for(tmp_path: Path) -> None:
    message = refusal(save_npy(tmp_path / "a.npy", V))
    assert "sample time missing: " in message
    assert message.endswith("among '0'; pass --sample-time, as in --sample-time 25u")


def uneven(at: int, by: float) -> NDArray[Any]:
    times = STEP * np.arange(200_000)
    times[at:] += by
    return times


@pytest.mark.parametrize(
    ("times", "wanted"),
    [
        (uneven(CHUNK, STEP), "samples lie 2.5e-05 to 5e-05 s apart, wanted one spacing above 0 s"),
        (uneven(100_000, 2e-3 * STEP), "samples lie .* pass --sample-time$"),
        (uneven(CHUNK, -STEP), "samples lie .* to 2.5e-05 s apart"),
        (-uneven(0, 0.0), "samples lie -2.5e-05 to -2.5e-05 s apart"),
        (np.zeros(200_000), "samples lie 0 to 0 s apart"),
        (uneven(77, np.nan), "samples lie nan to nan s apart"),
        (uneven(77, np.inf), "samples lie "),
        (np.where(np.arange(200_000) == 77, np.nan, uneven(0, 0.0)), "samples lie nan to nan"),
    ],
)
def test_uneven_times_are_refused(times: NDArray[Any], wanted: str, tmp_path: Path) -> None:
    path = save_parquet(tmp_path / "a.pqt", t=times, V=noise(200_000))
    assert re.search(f"column 't': {wanted}", refusal(path))
    assert Recording(path, sample_time=STEP).sample_time == STEP


def test_times_may_stray_a_little(tmp_path: Path) -> None:
    path = save_parquet(tmp_path / "a.pqt", t=uneven(100_000, 0.9e-3 * STEP), V=noise(200_000))
    assert Recording(path).sample_time == pytest.approx(STEP, rel=tolerances.FIVE_DIGITS)


def test_times_that_are_text_are_refused_by_their_line(tmp_path: Path) -> None:
    path = save_text(tmp_path / "a.csv", "t,V\n0,1\n12:00,2\n")
    assert refusal(path).endswith("line 3, column 't': wanted a number, got '12:00'")


@pytest.mark.parametrize("name", ["a.csv", "a.npy", "a.pqt", "folder"])
def test_what_may_not_be_read_is_said(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Tests may run as a user that no permission stops.
    def deny(*_: Any, **__: Any) -> None:
        raise PermissionError(13, "Permission denied")

    path = tmp_path / name
    if name == "folder":
        path.mkdir()
    else:
        save_text(path, "V\n1\n2\n")
    monkeypatch.setattr(Path, "open", deny)
    monkeypatch.setattr(Path, "iterdir", deny)
    assert refusal(path, sample_time=STEP).endswith("cannot read: Permission denied")


@pytest.mark.parametrize("name", ["a.csv", "a.pqt"])
def test_a_file_that_changes_in_use_is_noticed(name: str, tmp_path: Path) -> None:
    def save(length: int) -> Path:
        v = noise(length)
        path = tmp_path / name
        return save_parquet(path, V=v) if name == "a.pqt" else save_text(path, csv_of("V", v))

    tape = Tape(Recording(save(CHUNK + 100), sample_time=STEP))
    tape.read(10)
    save(CHUNK // 2)
    with pytest.raises(UserError, match=r"changed while in use|is no whole parquet|a\.csv: ") as e:
        tape.read(3 * CHUNK)
    assert "\n" not in str(e.value)
    tape = Tape(Recording(save(CHUNK + 100), sample_time=STEP))
    (tmp_path / name).unlink()
    with pytest.raises(UserError, match=r"No such file or directory; copy or record it again$"):
        tape.read(1)


@given(st.data())
def test_damage_anywhere_leaks_no_other_error(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("damaged")
    name = data.draw(st.sampled_from(["a.csv", "a.npy", "a.pqt"]))
    path = folder / name
    if name == "a.csv":
        save_text(path, csv_of("t,V", T[:20], V[:20]))
    elif name == "a.npy":
        save_npy(path, V[:20])
    else:
        save_parquet(path, 7, V=V[:20])
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content[: data.draw(st.integers(1, len(content)))])
    try:
        recording = Recording(path, sample_time=STEP)
    except UserError as error:
        assert len(str(error).splitlines()) == 1  # noqa: PT017  # what is left may be whole
    else:
        assert len(Tape(recording).read(50)) == 50


def test_pyarrow_waits_until_a_recording_is_opened() -> None:
    code = "import sys, circuits, circuits.recording; assert 'pyarrow' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
