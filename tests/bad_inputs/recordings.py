"""Recordings and activation curves that cannot be read, or hold no noise or no curve."""

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from bad_inputs.case import Case, Prepare, write

_NOISE = np.random.default_rng(0).normal(0, 0.01, 300)
_TEXT = "V\n" + "".join(f"{value!r}\n" for value in _NOISE.tolist())
_RUN = ("--engine", "ideal", "--epochs", "1", "--samples", "2", "--source", "measured")


def _npy(array: Any) -> bytes:
    file = io.BytesIO()
    np.save(file, array, allow_pickle=True)
    return file.getvalue()


def _parquet(columns: Mapping[str, Any]) -> bytes:
    file = io.BytesIO()
    pq.write_table(pa.table(dict(columns)), file)
    return file.getvalue()


_WHOLE = _parquet({"V": _NOISE})

# File, what it holds, what the line says.
_FILES: tuple[tuple[str, str | bytes, str], ...] = (
    ("empty.csv", "", "is empty, wanted samples"),
    ("blank.csv", "\n\n", "blank lines and comments alone"),
    ("comment.csv", "# hi\n", "blank lines and comments alone"),
    ("header.csv", "V\n", "wanted at least 2 samples, got 0"),
    ("one.csv", "V\n1\n", "wanted at least 2 samples, got 1"),
    ("nan.csv", _TEXT + "nan\n", "1 of 301 samples are missing or no finite voltage"),
    ("inf.csv", _TEXT + "-inf\n", "the first is sample 300"),
    ("word.csv", _TEXT + "oops\n", "line 302, column 'V': wanted a number, got 'oops'"),
    ("ragged.csv", _TEXT + "1,2\n", "line 302: wanted 1 columns, got 2"),
    ("null.csv", _TEXT + "\0\n", r"got '\x00'"),
    ("two.csv", "a,b\n1,2\n3,4\n", "which column is the voltage?"),
    ("same.csv", "V,V\n1,2\n", "column 'V' is there 2 times"),
    ("constant.csv", "V\n1\n1\n1\n", "all 3 samples are 1 V, wanted noise"),
    ("huge.csv", "V\n1e10\n1\n", "1 of 2 samples are missing or no finite voltage"),
    ("latin.csv", b"V\n\xff\xfe\n", "is not UTF-8 text"),
    ("utf16.csv", _TEXT.encode("utf-16"), "is not UTF-8 text"),
    ("jitter.csv", "t,V\n0,1\n1,2\n5,3\n", "samples lie 1 to 4 s apart"),
    ("standing.csv", "t,V\n0,1\n1,2\n1,3\n", "samples lie 0 to 1 s apart"),
    ("comma.csv", "V;W\n1,5;2\n2,5;3\n", "wanted a number, got '1,5'"),
    ("quote.csv", 'V\n"1\n2\n', "is no whole text file"),
    ("underscore.csv", "V\n1_0\n2_0\n", "wanted a number, got '1_0'"),
    ("complex.csv", "V\n1+2j\n2\n", "wanted a number, got '1+2j'"),
    ("none", _TEXT, "wanted a file in .csv"),
    ("other.dat", _TEXT, "got '.dat'"),
    ("cut.npy", _npy(_NOISE)[:200], "is no whole npy file"),
    ("header.npy", _npy(_NOISE)[:20], "is no whole npy file: EOF"),
    ("text.npy", "hello", "is no whole npy file"),
    ("objects.npy", _npy(np.array([{}], dtype=object)), "is no whole npy file"),
    ("complex.npy", _npy(_NOISE + 1j), "wanted numbers, got complex128"),
    ("words.npy", _npy(np.array(["a", "b"])), "wanted numbers, got <U1"),
    ("truths.npy", _npy(np.array([True, False])), "wanted numbers, got bool"),
    ("cube.npy", _npy(np.zeros((2, 2, 2))), "wanted an array of 1 or 2 dimensions"),
    ("point.npy", _npy(np.array(1.0)), "wanted an array of 1 or 2 dimensions"),
    ("nothing.npy", _npy(np.zeros(0)), "wanted at least 2 samples, got 0"),
    ("nan.npy", _npy(np.array([1, np.nan, 2])), "the first is sample 1"),
    ("cut.parquet", _WHOLE[:-10], "is no whole parquet file"),
    ("text.parquet", "PAR1hello", "is no whole parquet file"),
    ("empty.parquet", "", "is empty, wanted samples"),
    ("words.parquet", _parquet({"s": ["a", "b"]}), "wanted numbers, got string"),
    ("gap.parquet", _parquet({"V": pa.array([1.0, None, 2.0])}), "the first is sample 1"),
    ("nothing.parquet", _parquet({"V": pa.array([], pa.float64())}), "at least 2 samples, got 0"),
    ("lists.parquet", _parquet({"V": [[1.0], [2.0]]}), "wanted numbers, got list"),
    ("columnless.parquet", _parquet({}), "holds no columns"),
)

# Folder, its files, what the line says.
_FOLDERS: tuple[tuple[str, dict[str, bytes], str], ...] = (
    ("gap", {"n0.pqt": _WHOLE, "n2.pqt": _WHOLE}, "n1.pqt is missing"),
    ("twice", {"n1.pqt": _WHOLE, "n01.pqt": _WHOLE}, "number 1 is there twice"),
    ("mixed", {"a0.pqt": _WHOLE, "b1.pqt": _WHOLE}, "chunks of several recordings"),
    ("unnumbered", {"x.pqt": _WHOLE}, "wanted a name that ends in its number"),
    ("unlike", {"n0.pqt": _WHOLE, "n1.pqt": _parquet({"W": _NOISE})}, "are not like those of n0"),
    ("cut", {"n0.pqt": _WHOLE, "n1.pqt": _WHOLE[:50]}, "cut/n1.pqt: is no whole parquet file"),
    ("text", {"n0.csv": b"V\n1\n2\n"}, "is a folder without parquet"),
)

# Options beside a good recording, what the line says.
_OPTIONS: tuple[tuple[str, str], ...] = (
    ("--column W", "no column 'W'; there are 'V'"),
    ("--column 7", "no column '7'; there are 'V'"),
    ("--column=", "no column ''"),
    ("--sample-time 0", "--sample-time: input should be greater than 0"),
    ("--set circuit.noise.measured.start=300", "wanted less than the recording's 300 samples"),
    ("--set circuit.noise.measured.scale=1e6", "beyond the rails"),
    ("--set circuit.noise.measured.stride=300", "both passes read the same"),
    ("--batch 150", "both passes read the same"),
    ("--n-mtj 3", "source measured has no junctions, so 3"),
    ("--rule np --set circuit.noise.measured.remove_mean=false", "has a mean"),
)

_HEAD = "a_v,x_v\n"
_MARK = "# danp-cosim circuit: "
_GOOD = _HEAD + "-1,-1\n1,1\n"

# What a curve's file holds, what the line says.
_CURVES: tuple[tuple[str, str | bytes, str], ...] = (
    ("empty", "", "wanted a header a_v,x_v"),
    ("without points", _HEAD, "wanted at least 2 points, got 0"),
    ("of one point", _HEAD + "0,0\n", "wanted at least 2 points, got 1"),
    ("backwards", _HEAD + "1,1\n-1,-1\n", "wanted a in ascending order"),
    ("with a point twice", _HEAD + "-1,0\n-1,0\n1,1\n", "got -1 V after -1 V"),
    ("of one sign", _HEAD + "1,1\n2,2\n", "wanted points on both sides of a = 0 V"),
    ("with a gap", _HEAD + "-1,nan\n1,1\n", "point 1: wanted finite voltages"),
    ("with infinity", _HEAD + "-1,0\n1,inf\n", "point 2: wanted finite voltages"),
    ("with three columns", _HEAD + "1,2,3\n", "line 2: wanted two numbers"),
    ("in words", _HEAD + "a,b\n", "line 2: wanted two numbers, got 'a,b'"),
    ("without a header", "-1,-1\n1,1\n", "got '-1,-1'"),
    ("in millivolts", "a_mv,x_mv\n-1,1\n1,1\n", "got 'a_mv,x_mv'"),
    ("beyond any voltage", _HEAD + "-1e10,0\n1,1\n", "got -1e+10,0"),
    ("too steep", _HEAD + "-1e-300,0\n1e-300,1\n", "wanted a slope of 1e+30 V/V at most"),
    ("with semicolons", _HEAD + "-1;1\n1;1\n", "got '-1;1'"),
    ("in UTF-16", _GOOD.encode("utf-16"), "is not UTF-8 text"),
    ("with a null byte", _HEAD + "-1,-1\n1,1\0\n", r"got '1,1\x00'"),
    ("of a damaged circuit", _MARK + "{oops\n" + _GOOD, "wanted a JSON object"),
    ("of a listed circuit", _MARK + "[]\n" + _GOOD, "wanted a JSON object"),
    ("of two circuits", 2 * (_MARK + "{}\n") + _GOOD, "says of a second circuit"),
    ("of a nested circuit", _MARK + "[" * 100_000 + "\n" + _GOOD, "wanted a JSON object"),
)


def _folder(name: str, files: Mapping[str, bytes]) -> Prepare:
    def prepare(folder: Path) -> None:
        for file, content in files.items():
            write(f"{name}/{file}", content)(folder)

    return prepare


CASES = (
    *(
        Case(f"recording {name}", "run", (*_RUN, "--noise-file", name), said, write(name, held))
        for name, held, said in _FILES
    ),
    *(
        Case(f"chunks {name}", "run", (*_RUN, "--noise-file", name), said, _folder(name, files))
        for name, files, said in _FOLDERS
    ),
    *(
        Case(
            f"a good recording, {typed}",
            "run",
            (*_RUN, "--noise-file", "good.csv", *typed.split()),
            said,
            write("good.csv", _TEXT),
        )
        for typed, said in _OPTIONS
    ),
    Case("no sample time", "noise", ("x.csv",), "pass --sample-time", write("x.csv", _TEXT)),
    *(
        Case(
            f"curve {what}",
            "run",
            ("--engine", "ideal", "--activation-curve", "curve.csv"),
            f"curve.csv: {said}" if said.startswith("wanted a header") else said,
            write("curve.csv", held),
        )
        for what, held, said in _CURVES
    ),
)
