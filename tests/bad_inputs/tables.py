"""Samples of the user's own that cannot be read, or hold nothing to learn: `--task table`."""

import io
import zipfile
from typing import Any

import numpy as np
from bad_inputs.case import Case, write

_ROWS = "".join(f"{k / 10},{-k % 7},{k * k % 5}\n" for k in range(20))
_TEXT = "a,b,y\n" + _ROWS
_KINDS = "a,b,label\n" + "".join(f"{k},{k % 3},{'odd' if k % 2 else 'even'}\n" for k in range(20))


def _npz(**arrays: Any) -> bytes:
    file = io.BytesIO()
    np.savez(file, allow_pickle=True, **arrays)
    return file.getvalue()


def _zip(name: str, content: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(name, content)
    return file.getvalue()


_X, _Y = np.arange(40.0).reshape(20, 2), np.arange(20.0)
_SPLIT: dict[str, Any] = {"x_train": _X, "y_train": _Y, "x_test": _X, "y_test": _Y}

# File, what it holds, what the line says.
_FILES: tuple[tuple[str, str | bytes, str], ...] = (
    ("empty.csv", "", "empty.csv: is empty, wanted a header and samples"),
    ("blank.csv", "\n\n# hi\n", "blank.csv: is empty, wanted a header and samples"),
    ("header.csv", "a,b,y\n", "header.csv: holds no samples, wanted 2 or more"),
    ("one.csv", "a,b,y\n1,2,3\n", "one.csv: holds 1 samples, wanted 2 or more"),
    ("few.csv", "a,y\n1,2\n3,4\n5,6\n", "3 samples are too few to hold some out"),
    ("bare.csv", _ROWS, "bare.csv: line 1: wanted a header, got numbers"),
    (
        "spaces.csv",
        "a b y\n" + _ROWS.replace(",", " "),
        "parted by commas, semicolons or tabs, got",
    ),
    ("bars.csv", "a|b|y\n" + _ROWS.replace(",", "|"), "columns or more, parted by commas, semicol"),
    ("nameless.csv", "a,,y\n" + _ROWS, "line 1: column 2 of 3 has no name"),
    ("twice.csv", "a,a,y\n" + _ROWS, "line 1: column 'a' is there 2 times"),
    ("short.csv", _TEXT + "1,2\n", "line 22: wanted 3 columns, as in the header, got 2"),
    ("long.csv", _TEXT + "1,2,3,4\n", "line 22: wanted 3 columns, as in the header, got 4"),
    ("word.csv", _TEXT + "1,oops,3\n", "line 22, column 'b': wanted a finite number, got 'oops'"),
    ("gap.csv", _TEXT + "1,,3\n", "line 22, column 'b': is empty, wanted a number; fill it in"),
    ("nan.csv", _TEXT + "nan,1,3\n", "line 22, column 'a': wanted a finite number, got 'nan'"),
    ("inf.csv", _TEXT + "1,-inf,3\n", "line 22, column 'b': wanted a finite number, got '-inf'"),
    ("huge.csv", _TEXT + "1,1e101,3\n", "column 'b': wanted a finite number, got '1e101'"),
    ("under.csv", _TEXT + "1,1_0,3\n", "wanted a finite number, got '1_0'"),
    ("arab.csv", _TEXT + "1,١,3\n", "column 'b': wanted a finite number"),
    ("comma.csv", "a;b;y\n1,5;2;3\n2,5;3;4\n", "got '1,5'; write decimals with a point"),
    ("quote.csv", 'a,b,y\n1,"2,3\n', "quote.csv: is no whole table: unexpected end of data"),
    ("null.csv", _TEXT + "1,\0,3\n", r"got '\x00'"),
    ("latin.csv", b"a,y\n1,2\n\xff,3\n", "latin.csv: is not UTF-8 text; save it as UTF-8"),
    ("utf16.csv", _TEXT.encode("utf-16"), "utf16.csv: is text in UTF-16; save it as UTF-8"),
    ("nothing.csv", "a,b,c\n" + _ROWS, "which column is to be learned? give --targets for num"),
    ("alone.csv", "y\n" + "1\n2\n" * 9, "alone.csv: line 1: wanted two columns or more, parted by"),
    ("only.csv", "y1,y2\n" + "1,2\n2,1\n" * 9, "holds no column beside the targets, wanted inputs"),
    ("noted.csv", _TEXT + "# 1,2,3\n\n1,x,3\n", "line 24, column 'b': wanted a finite number"),
    ("still.csv", "a,y\n" + "1,2\n1,3\n" * 9, "no input changes over the training samples"),
    ("flat.csv", "a,y\n" + "1,2\n3,2\n" * 9, "target 'y' is 2 in all training samples"),
    ("kind.csv", "a,label\n" + "1,u\n2,u\n" * 9, "column 'label' holds one class, 'u'; wanted"),
    ("many.csv", "a,label\n" + "".join(f"{k},{k}\n" for k in range(20)), "holds 20 classes in 20"),
    ("hole.csv", _KINDS + "1,2,\n", "line 22, column 'label': is empty, wanted a class"),
    ("table.xlsx", _TEXT, "wanted a file in .csv, .tsv, .txt, .npz, got '.xlsx'; export"),
    ("bare", _TEXT, "got 'no ending'"),
    ("folder.csv/x", "", "folder.csv: is a folder, wanted a CSV or .npz file"),
    ("text.npz", "hello", "text.npz: is damaged or something else, wanted an archive of num"),
    ("cut.npz", _npz(x=_X, y=_Y)[:300], "cut.npz: is damaged or something else, wanted"),
    ("none.npz", _npz(), "none.npz: holds no array 'x', there is none; wanted an archive"),
    ("names.npz", _npz(X=_X, Y=_Y), "names.npz: holds no array 'x', there are 'X', 'Y'; wanted"),
    ("test.npz", _npz(x_train=_X, y_train=_Y), "test.npz: holds no array 'x_test', there are"),
    ("rows.npz", _npz(x=_X, y=_Y[:9]), "y has shape (9,), wanted a row for each of the 20"),
    ("scalar.npz", _npz(x=_X, y=1.0), "y has shape (), wanted a row for each of the 20 samples"),
    ("number.npz", _npz(x=1.0, y=_Y), "x has type float64 and shape (), wanted numbers"),
    ("words.npz", _npz(x=np.array(["a"] * 20), y=_Y), "wanted numbers, a row for each sample"),
    ("complex.npz", _npz(x=_X * 1j, y=_Y), "x has type complex128 and shape (20, 2), wanted num"),
    ("pickle.npz", _npz(x=np.array([{}] * 20), y=_Y), "its arrays cannot be read, wanted an arc"),
    ("member.npz", _zip("x", b"hello"), "x in it is no array, wanted an archive"),
    ("nan.npz", _npz(x=_X * np.nan, y=_Y), "x: sample 1, column 1: wanted a finite number"),
    ("void.npz", _npz(x=_X[:0], y=_Y[:0]), "x is empty, wanted samples"),
    (
        "wide.npz",
        _npz(**_SPLIT | {"x_test": _X[:, :1]}),
        "x_test has 1 columns, and x_train 2; wanted the same",
    ),
    (
        "strange.npz",
        _npz(**_SPLIT | {"y_train": np.arange(20) % 3, "y_test": np.arange(20) % 4}),
        "y_test holds class '3', which y_train has not",
    ),
)

# As typed behind `--task table --data`, and what the line says.
_TYPED: tuple[tuple[str, str], ...] = (
    ("no.csv", "no.csv: cannot read: No such file"),
    ("no.npz", "no.npz: cannot read: No such file"),
    ("t.csv --inputs aa", "--inputs: t.csv has no column 'aa'; did you mean 'a'?"),
    ("t.csv --inputs q", "--inputs: t.csv has no column 'q'; there are 'a', 'b', 'y'"),
    ("t.csv --inputs a,a", "--inputs: column 'a' is named twice"),
    ("t.csv --inputs a,,b", "--inputs: wanted names of columns parted by commas, got 'a,,b'"),
    ("t.csv --inputs=", "--inputs: wanted names of columns parted by commas, got ''"),
    ("t.csv --inputs a,y", "--inputs: column 'y' is a target; take it out of one"),
    ("t.csv --targets Y", "--targets: t.csv has no column 'Y'; there are"),
    ("t.csv --targets a,b,y", "t.csv: holds no column beside the targets"),
    ("t.csv --label y --targets y", "--label: names classes and --targets numbers"),
    ("t.csv --label a", "column 'a' holds 20 classes in 20 samples"),
    ("t.csv --label=", "--label: string should have at least 1 character"),
    ("t.csv --data-scale mV", "'mV' is not one of 'unit', 'common', 'volts'."),
    ("t.csv --data-scale volts", "column 'b' goes to 6 V, beyond the supplies of -2.5 V and 2.5"),
    ("t.csv --layers 3,4,1", "layers must start with 2 and end with 1, got 3,4,1; try --layers 2"),
    ("t.csv --layers 2,4,3", "layers must start with 2 and end with 1"),
    ("t.csv --samples 21", "samples must be 2 to 20, got 21; leave --samples out"),
    ("t.csv --samples 1", "samples must be 2 to 20, got 1"),
    ("t.csv --test-samples 5", "test samples must be at most 4, got 5"),
    ("t.csv --samples 20 --test-samples 5", "holds nothing out, got 5 test samples"),
    ("t.csv --data-dir .", "reads a file, not a folder"),
    ("a.npz --inputs x1", "its arrays have no columns to choose from; leave --inputs"),
    ("k.csv --samples 1", "samples must be 2 to 20, got 1"),
)

# As typed behind `run`, and what the line says.
_OTHERS: tuple[tuple[str, str], ...] = (
    ("--task table", "task table: wanted the file of your samples; give --data FILE"),
    ("--data t.csv", "task teacher: brings its own data, got settings of a table; give --task"),
    ("--task xor --label a", "task xor: brings its own data"),
    ("--task Table", "'Table' is not one of 'teacher', 'xor', 'iris', 'digits', 'mnist', 'table'."),
)


def _samples(folder: Any) -> None:
    for name, content in (("t.csv", _TEXT), ("k.csv", _KINDS), ("a.npz", _npz(x=_X, y=_Y))):
        write(name, content)(folder)


_RUN = ("--quiet", "--engine", "ideal", "--epochs", "0")
CASES = (
    *(
        Case(
            f"table {name}",
            "run",
            (*_RUN, "--task", "table", "--data", name.removesuffix("/x")),
            said,
            write(name, content),
        )
        for name, content, said in _FILES
    ),
    *(
        Case(f"table {t}", "run", (*_RUN, "--task", "table", "--data", *t.split()), said, _samples)
        for t, said in _TYPED
    ),
    *(Case(t, "run", (*_RUN, *t.split()), said, _samples) for t, said in _OTHERS),
)
