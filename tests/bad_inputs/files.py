"""Options that name files, folders and numbers of things: model libraries, data, runs, workers."""

from pathlib import Path

from bad_inputs.case import Case, write

_LIBRARY = """\
.model D1 D(IS=1e-9)
.subckt OA inp inn vdd vss out
E1 out 0 inp inn 1e5
.ends
"""


def _files(folder: Path) -> None:
    for name, content in (
        ("m.lib", _LIBRARY),
        ("empty.lib", ""),
        ("binary.lib", b"\xff"),
        ("outside.lib", ".include /etc/passwd\n.subckt OA a b c d e\n.ends\n"),
        ("full/x", "precious"),
        ("run/config.toml", "seed = 1\n"),
        ("run/checkpoint.npz", "precious"),
        ("text", "precious"),
    ):
        write(name, content)(folder)


# As typed behind `run`, and what the line says.
_TYPED: tuple[tuple[str, str], ...] = (
    ("--opamp m.lib:NO", "m.lib: no subcircuit NO; there are OA"),
    ("--opamp m.lib:D1", "m.lib: no subcircuit D1"),
    ("--opamp no.lib:X", "no.lib: there is no such model file"),
    ("--opamp empty.lib:X", "empty.lib: no subcircuit X; the file defines none"),
    ("--opamp binary.lib:X", "binary.lib, line 1"),
    ("--opamp outside.lib:OA", "lies outside of the library's own folder"),
    ("--opamp :X", "wanted FILE:NAME"),
    ("--opamp m.lib:", "wanted FILE:NAME"),
    ("--opamp m.lib", "nor FILE:NAME."),
    ("--diode m.lib:OA", "wanted two pins, anode and cathode, got 5 of OA"),
    ("--diode m.lib:NO", "m.lib: no diode NO; there are D1, OA"),
    ("--diode no.lib:D", "no.lib: there is no such model file"),
    ("--data-dir full", "task teacher: reads no files"),
    ("--task mnist --data-dir no --samples 10", "no"),
    ("--task mnist --data-dir full --samples 10", "full"),
    ("--task mnist --layers 2,1", "layers must start with 784"),
    ("--task digits --layers 2,1", "layers must start with 64"),
    ("--start no.npz", "no.npz: cannot read: No such file"),
    ("--start text", "wanted weights.npz of a run"),
    ("--reduction x", "'x' is not one of 'norton', 'none'."),
    ("--jobs 0", "wanted a whole number of at least 1"),
    ("--jobs x", "got 'x'."),
    ("--jobs 1e9", "got '1e9'."),
    ("--jobs 10000", "got '10000'."),
    ("--resume no", "--resume: no: no such folder"),
    ("--resume text", "--resume: text: is a file"),
    ("--resume full", "--resume: full: holds no config.toml"),
    ("--resume run --seed 3", "leave out --seed"),
    ("--resume run", "checkpoint.npz: is no checkpoint"),
)

CASES = tuple(Case(t, "run", ("--quiet", *t.split()), said, _files) for t, said in _TYPED)
