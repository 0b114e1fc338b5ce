"""Which statements a model from outside may hold: a list of what is allowed; all else is refused.

Tried with ngspice 39: `.control` runs commands wherever it stands, in a subcircuit and in an
included file too, and so does a comment that begins with `*#`; code models such as `filesource`
read files; CIDER's devices and the MOSFETs of BSIM write them. Commands can do anything that the
user can. Of a model nothing is wanted but its subcircuits, so these alone get through.
"""

import re
from collections.abc import Mapping

from netlists.models.lines import Line

CARDS = (".subckt", ".ends", ".model", ".param", ".func")
"""Statements that are taken, beside elements inside of subcircuits; `.end` ends a library."""

ELEMENTS = "abcdefghijklmqrstvwx"
"""First letters of elements that are taken; the others' models come as libraries of machine code
(N), are CIDER's (which write files), or are lines that no op-amp has."""

DEVICES = frozenset({
    "r", "res", "c", "cap", "l", "ind", "d", "npn", "pnp", "njf", "pjf", "nmos", "pmos", "nmf",
    "pmf", "sw", "csw", "vdmos", "vdmosn", "vdmosp",
})  # fmt: skip
_ELSEWHERE: Mapping[str, str] = {
    "vswitch": "write a switch that it has, as SW(VT=… VH=… RON=… ROFF=…)",
    "iswitch": "write a switch that it has, as CSW(IT=… IH=… RON=… ROFF=…)",
}
CODE_MODELS = frozenset({
    "gain", "summer", "mult", "divide", "limit", "climit", "pwl", "aswitch", "zener", "ilimit",
    "hyst", "d_dt", "int", "s_xfer", "slew", "core", "lcouple", "sine", "square", "triangle",
    "oneshot", "capacitoric", "inductoric", "multi_input_pwl",
})  # fmt: skip
"""XSPICE's analog code models; none of them touches a file."""

LONGEST = 10_000
"""Characters of a statement with its continuations; long tables have some thousands."""

_REASONS: Mapping[str, str] = {
    **dict.fromkeys((".control", ".endc", ".exec", ".shell", ".system"), "runs commands"),
    ".csparam": "hands values to commands",
    **dict.fromkeys(
        (".op", ".dc", ".ac", ".tran", ".noise", ".tf", ".pz", ".disto", ".sens", ".four", ".sp"),
        "asks for an analysis of its own",
    ),
    **dict.fromkeys(
        (".save", ".print", ".plot", ".probe", ".meas", ".measure", ".width", ".write"),
        "asks for output of its own, which can go to files",
    ),
    **dict.fromkeys(
        (".option", ".options", ".opt", ".temp", ".ic", ".nodeset"),
        "changes how the whole circuit is simulated",
    ),
    ".global": "joins nodes with those of the whole circuit",
    **dict.fromkeys(
        (".if", ".elseif", ".else", ".endif"),
        "chooses between parts of the model; keep the part that is wanted",
    ),
    ".endl": "ends a section, and only whole files are taken",
}

_ALLOWED_TEXT = re.compile(r"[ \tA-Za-z0-9_.+\-*/^=<>!&|?:,(){}\[\]'%~#]*")
_MICRO = "\u00b5\u03bc"  # the sign, and the Greek letter
_FILE = re.compile(r"\w{0,40}file\w{0,40}\s*[=(]", re.IGNORECASE)
_RANDOM = re.compile(
    r"\b(a?gauss|a?unif|sunif|sgauss|rnd|random|poisson|exponential|flat|rand|mc)\s*\(|"
    r"\b(trnoise|trrandom)\b",
    re.IGNORECASE,
)
_TRANSFER = re.compile(r"\s(laplace|freq|chebyshev)\s*[={]", re.IGNORECASE)
_EXTERNAL = re.compile(r"\bexternal\b", re.IGNORECASE)
_NAME = r"[A-Za-z0-9_][A-Za-z0-9_.+/-]{0,63}"
_NODE = re.compile(r"[A-Za-z0-9_.+/#-]{1,64}")
_MODEL = re.compile(rf"\.model\s+({_NAME})\s+([A-Za-z_]\w*)\s*(.*)", re.IGNORECASE)
_LEVEL_WORD = re.compile(r"level", re.IGNORECASE)
_LEVEL = re.compile(r"(?<!\w)level\s*=\s*(\d+)(?![^\s,)])", re.IGNORECASE)
_MOS_LEVELS = ("1", "2", "3", "6", "9")


def word_of(line: Line) -> str:
    """The first word of a statement, in lower case."""
    return line.text.split(maxsplit=1)[0].lower()


def screen(line: Line) -> None:
    """Refuse a statement that is not of those listed here, or that reaches out of the circuit.

    Raises:
        UserError: file, line, what it is and what to do about it.
    """
    word = word_of(line)
    if len(line.text) > LONGEST:
        raise line.refused(
            f"wanted at most {LONGEST:,} characters in a statement, got {len(line.text):,}; a "
            "model has no use for more"
        )
    if word.startswith("."):
        if word not in CARDS and word != ".end":
            why = _REASONS.get(word, "is no part of a model")
            raise line.refused(
                f"{word} {why}; only {', '.join(CARDS)} and elements are taken from a model file, "
                "so take the line out"
            )
    elif word[0] not in ELEMENTS:
        raise line.refused(
            f"{line.text[:40]!r}: elements of letter {word[0].upper()!r} are not taken; wanted one "
            f"of {ELEMENTS.upper()}"
        )
    _require_characters(line)
    if word == ".model":
        model_of(line)
    _require_fixed_values(line, word)


def _require_characters(line: Line) -> None:
    if not _ALLOWED_TEXT.fullmatch(line.text):
        odd = next(c for c in line.text if not _ALLOWED_TEXT.fullmatch(c))
        if odd in _MICRO:
            raise line.refused(f"{odd!r} is not a character of a model's statement; write u for it")
        raise line.refused(
            f"{odd!r} is not a character of a model's statement (quotation marks and the like can "
            "name files and commands); write it without"
        )


def _require_fixed_values(line: Line, word: str) -> None:
    """Refuse values from files, chance and outside, and laws that ngspice lacks."""
    if match := _FILE.search(line.text):
        raise line.refused(
            f"{match[0]!r} reads or writes a file, which a model may not; put the values in place"
        )
    if match := _RANDOM.search(line.text):
        raise line.refused(
            f"{match[0].rstrip('( ')!r} draws random numbers, and a run could not be repeated; "
            "put a value in place"
        )
    if word[0] in "beg" and (match := _TRANSFER.search(line.text)):
        raise line.refused(
            f"ngspice has no {match[1].upper()}; write the transfer with resistors, capacitors and "
            "controlled sources, or with the code model s_xfer"
        )
    if word[0] in "vi" and _EXTERNAL.search(line.text):
        raise line.refused(
            "an external source asks whoever drives the simulator; take it out, or give it a value"
        )


def model_of(line: Line) -> tuple[str, str, str]:
    """Name, type in lower case and parameters of a `.model` statement.

    Raises:
        UserError: no such statement, or of a type that is not taken.
    """
    match = _MODEL.fullmatch(line.text)
    if match is None:
        raise line.refused(f"wanted .model NAME TYPE(…), got {line.text[:60]!r}")
    kind = match[2].lower()
    if kind in _ELSEWHERE:
        raise line.refused(f".model {match[1]}: ngspice has no {kind.upper()}; {_ELSEWHERE[kind]}")
    if kind not in DEVICES | CODE_MODELS:
        raise line.refused(
            f".model {match[1]} is of type {kind}, which is not taken: only devices "
            f"({', '.join(sorted(DEVICES))}) and code models that touch no files "
            f"({', '.join(sorted(CODE_MODELS))}) are"
        )
    if kind in DEVICES:
        _require_level(line, match[1], kind, match[3])
    return match[1], kind, match[3]


def require_nodes(line: Line, nodes: list[str]) -> None:
    """Refuse names of nodes that are none."""
    for node in nodes:
        if not _NODE.fullmatch(node):
            raise line.refused(f"{node[:40]!r} is not the name of a node; wanted letters, digits _")


def _require_level(line: Line, name: str, kind: str, given: str) -> None:
    """Refuse a level that writes a file, and one that ngspice would read and this would not.

    ngspice takes the digits after the first `level` that it comes by, be it a part of a word, and
    whether blanks, brackets, commas or an equals sign stand between. Of those devices only MOSFETs
    write (tried with ngspice 39: all levels of all types).
    """
    words, levels = _LEVEL_WORD.findall(given), _LEVEL.findall(given)
    if len(words) != len(levels) or len(levels) > 1:
        raise line.refused(
            f".model {name}: wanted 'level' once, as level=1 or the like, got {given[:60]!r}"
        )
    if kind in {"nmos", "pmos"} and levels and levels[0] not in _MOS_LEVELS:
        raise line.refused(
            f".model {name}: a MOSFET of level {levels[0]} writes a log file beside the run; "
            f"wanted level {', '.join(_MOS_LEVELS)}"
        )
