"""Files that are no configuration, and options that name none."""

from pathlib import Path

from bad_inputs.case import Case, write

NOT_TOML, TEXT = "c.toml: is not TOML: ", "c.toml: is not UTF-8 text"
WHOLE, SECTION, LAYERS = "a whole number", "wanted a section of parameters", "wanted whole numbers"

# What the file holds, and what the line says.
_TEXTS: tuple[tuple[str, str | bytes, str], ...] = (
    ("a key twice", "seed = 1\nseed = 2", NOT_TOML + "Cannot overwrite"),
    ("a section twice", "[task]\n[task]", NOT_TOML + "Cannot declare"),
    ("a key alone", "seed", NOT_TOML + "Expected '='"),
    ("a value alone", "= 1", NOT_TOML),
    ("no value", "seed = ", NOT_TOML + "Invalid value"),
    ("an open section", "[task", NOT_TOML + "Expected ']'"),
    ("an open string", "seed = '''", NOT_TOML),
    ("a null byte", "seed = 1\x00", NOT_TOML),
    ("no such day", "seed = 1979-13-01", NOT_TOML),
    ("a lone surrogate", 'seed = "\\ud800"', NOT_TOML + "Escaped character"),
    ("a bad escape", 'x = "\\q"', NOT_TOML + "Unescaped"),
    ("JSON", '{"seed": 1}', NOT_TOML),
    ("YAML", "seed: 1", NOT_TOML),
    ("XML", "<xml/>", NOT_TOML),
    ("deep inline tables", "a = " + "{a=" * 3000, NOT_TOML),
    ("deep sections", "[" + "a." * 3000 + "b]\n", "c.toml: wanted sections"),
    ("deep dots", "a." * 3000 + "b = 1", "c.toml: wanted sections"),
    ("a bad byte in a comment", b"seed = 1 # \xff", TEXT),
    ("UTF-16", "seed = 1".encode("utf-16"), TEXT),
    ("a very long key", "'" + "k" * 20000 + "' = 1", "no such parameter"),
    ("an empty key", "'' = 1", "no such parameter"),
    ("an unknown section", "[unknown]", "c.toml: unknown: no such parameter"),
    ("an unknown dotted key", "a.b.c = 1", "c.toml: a: no such parameter"),
    ("a section for the seed", "seed.a = 1", "c.toml: seed: wanted a whole number, got"),
    ("a list for the seed", "seed = [1]", WHOLE),
    ("a table for the seed", "seed = {}", WHOLE),
    ("a day for the seed", "seed = 1979-05-27", WHOLE),
    ("a fraction for the seed", "seed = 0.5", WHOLE),
    ("infinite samples", "[task]\nsamples = inf", "finite number"),
    ("a list of tasks", "[[task]]\nname='xor'", "c.toml: task: wanted a section"),
    ("an empty list for the task", "task = []", "c.toml: task: wanted a section"),
    ("text for the op-amp", "[circuit]\nopamp = 'MCP601'", "c.toml: circuit.opamp: wanted a sect"),
    ("a list for a quantity", "[circuit.opamp]\ngbw = []", "wanted a number in Hz"),
    ("a time for a quantity", "[circuit.opamp]\ngbw = 07:32:00", "wanted a number in Hz"),
    ("a table for a quantity", "[circuit.opamp]\ngbw = {v=1}", "wanted a number in Hz"),
    ("an infinite quantity", "[circuit.opamp]\ngbw = inf", "finite number"),
    ("no quantity", "[circuit.opamp]\ngbw = nan", "finite number"),
    ("text for a switch", "[learning]\nbiases = 'no way'", "valid boolean"),
    ("a number for a switch", "[learning]\nbiases = 2", "valid boolean"),
    ("a number for the layers", "[task]\nlayers = 3", LAYERS),
    ("fractions for the layers", "[task]\nlayers = [2.0, 1.0]", LAYERS),
    ("lists for the layers", "[task]\nlayers = [[2, 1]]", LAYERS),
    ("texts for the layers", "[task]\nlayers = ['2', '1']", LAYERS),
    ("a table for the layers", "[task]\nlayers = {a=1}", LAYERS),
    ("a number for the task's name", "[task]\nname = 5", "wanted one of teacher, xor"),
    ("a diode without a name", "[circuit.activation]\ndiode = {}", "diode.name: wanted too"),
    ("a number for the diode", "[circuit.activation]\ndiode = 5", SECTION),
    (
        "a diode's figure in words",
        "[circuit.activation]\ndiode={name='x', i_s='much'}",
        "i_s: want",
    ),
    ("a diode of two words", "[circuit.activation]\ndiode={name='x y'}", "should match pattern"),
    ("a number for an exception", "[circuit.exceptions]\nn1_1_a = 3", SECTION),
    ("an empty exception", "[circuit.exceptions.n1_1_a]", "wanted one or more of v_offset, gbw"),
    ("a list of exceptions", "circuit.exceptions = []", SECTION),
    ("a null byte in a name", '[circuit.exceptions."n1_1_a\\u0000"]\ngbw=1', "wanted n<layer>"),
    ("a number for a file", "[circuit.noise.measured]\nfile=1", "valid string"),
    ("an empty file name", "[circuit.noise.measured]\nfile=''", "at least 1 character"),
    ("a null byte in a file name", '[circuit.noise.measured]\nfile="a\\u0000b"', "match pattern"),
    ("a null byte in the curve", '[simulation]\nactivation_curve="a\\u0000"', "match pattern"),
    (
        "noise beyond the rails",
        "circuit.noise={source='gaussian',gaussian={sigma=9}}",
        "beyond the",
    ),
    ("two units", "[circuit.smtj]\nfield='3 mT'\noffset_field='1 V'", "number in T, such as"),
)


def _links(folder: Path) -> None:
    (folder / "loop").symlink_to("loop")
    (folder / "dangling").symlink_to("nowhere")


CASES = (
    *(
        Case(what, "run", ("--config", "c.toml"), said, write("c.toml", t))
        for what, t, said in _TEXTS
    ),
    Case(
        "an option for a list",
        "run",
        ("--config", "c.toml", "--epochs", "1"),
        "task is a value in c.toml, not a section",
        write("c.toml", "[[task]]\nname='xor'"),
    ),
    *(
        Case(what, "run", ("--config", name), f"--config: cannot read {name or '.'}"[:200], _links)
        for what, name in (
            ("no name", ""),
            ("a name too long", "n" * 300),
            ("a file for a folder", "/dev/null/x"),
            ("a tilde in quotes", "~/no-such-file.toml"),
            ("a link to itself", "loop"),
            ("a link to nothing", "dangling"),
        )
    ),
    Case("a name that is no UTF-8", "run", ("--config", "\udcff"), r"cannot read \udcff"),
)
