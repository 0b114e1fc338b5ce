"""Models from outside: what is taken of a library, and what is refused, by name and line."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circuits import CircuitParameters
from circuits.errors import UserError
from netlists.models import opamp_cells, with_models
from netlists.models.library import parse_library
from netlists.models.lines import LARGEST, read_lines, split_lines
from netlists.models.screening import CARDS, ELEMENTS

AMP = """* an op-amp
.SUBCKT AMP 1 2 3 4 5
E1 5 0 1 2 1E5
R1 3 4 10k
{inside}
.ENDS
{outside}
"""

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a library with a sound op-amp and more statements in it and after it."""

    def library(inside: str = "*", outside: str = "*", name: str = "amp.lib") -> Path:
        path = tmp_path / name
        path.write_text(AMP.format(inside=inside, outside=outside), encoding="utf8")
        return path

    return library


def circuit(path: Path, name: str = "AMP", **opamp: object) -> CircuitParameters:
    return CircuitParameters.model_validate({"opamp": {"level": f"{path}:{name}", **opamp}})


def refusal(path: Path, name: str = "AMP", **opamp: object) -> str:
    with pytest.raises(UserError) as caught:
        with_models(circuit(path, name, **opamp))
    message = str(caught.value)
    assert "\n" not in message
    return message


def deck_text(path: Path, name: str = "AMP") -> str:
    cells = opamp_cells(with_models(circuit(path, name)).opamp)
    return "\n".join(line for cell in cells for line in cell.lines)


@pytest.mark.parametrize("where", ["inside", "outside"])
@pytest.mark.parametrize(
    ("statement", "said"),
    [
        (".control\nshell touch x\n.endc", ".control runs commands"),
        (".CONTROL", ".control runs commands"),
        (".endc", ".endc runs commands"),
        (".exec touch x", ".exec runs commands"),
        ("*# shell touch x", "runs what follows *# as a command"),
        ("  *#echo x > y", "runs what follows *# as a command"),
        ("0shell touch x", "elements of letter '0'"),
        (".csparam x={1}", ".csparam hands values to commands"),
        (".tran 1n 1u", ".tran asks for an analysis"),
        (".op", ".op asks for an analysis"),
        (".print tran v(1) > x", ".print asks for output"),
        (".save all", ".save asks for output"),
        (".measure tran y max v(1)", ".measure asks for output"),
        (".options rawfile=x", ".options changes how the whole circuit"),
        (".temp 50", ".temp changes how the whole circuit"),
        (".global vdd", ".global joins nodes"),
        (".if (1)", ".if chooses between parts"),
        (".veriloga x.va", ".veriloga is no part of a model"),
        (".lib typical\n.endl", "there is no such model file"),
        (".include ../../../etc/passwd", "outside of the library's own folder"),
        (".include /etc/passwd", "outside of the library's own folder"),
        (".include `touch x`", "wanted .include and the name of a file"),
        ('.include "a$b.lib"', "wanted .include and the name of a file"),
        (".include missing.lib", "there is no such model file"),
        (".include amp.lib", "includes itself"),
        (".model fs filesource(amploffset=[0])", "of type filesource, which is not taken"),
        (".model t d_source(t=1)", "of type d_source, which is not taken"),
        (".model t table2d(order=2)", "of type table2d, which is not taken"),
        (".model t d_process(x=1)", "of type d_process, which is not taken"),
        (".model t numd(x=1)", "of type numd, which is not taken"),
        (".model g gain(gain=1 file=x)", "reads or writes a file"),
        (".model m nmos(level=8)", "a MOSFET of level 8 writes a log file"),
        (".model m pmos LEVEL = 49", "a MOSFET of level 49 writes a log file"),
        (".model m nmos(level={8})", "wanted 'level' once"),
        (".model m nmos level 49", "wanted 'level' once"),
        (".model m nmos(Level(14))", "wanted 'level' once"),
        (".model m nmos(vto=1,level,14)", "wanted 'level' once"),
        (".model m nmos(level14)", "wanted 'level' once"),
        (".model m nmos(xlevel=1)", "wanted 'level' once"),
        (".model m nmos(level 8 level=1)", "wanted 'level' once"),
        (".model m nmos(level=1 level=1)", "wanted 'level' once"),
        (".model m nmos(level=1.4)", "wanted 'level' once"),
        (".model m nmos(level=1{8})", "wanted 'level' once"),
        (".model m nmos-x(level 8)", "wanted 'level' once"),
        (".model q npn(level 8)", "wanted 'level' once"),
        (".func f.g(x) {f.g(x)}", "wanted .func NAME(ARGUMENT, …)"),
        (".func f((x)) {f(x)}", "wanted .func NAME(ARGUMENT, …)"),
        (".param f#g(x)={f#g(x)}", "wanted .func NAME(ARGUMENT, …)"),
        (".param a=1 f(x)={f(x)}", "wanted .func NAME(ARGUMENT, …)"),
        (".param a=1, b={max(1,2)}", "wanted blanks between parameters"),
        (".param f(x)'={f(x)}", "wanted .func NAME(ARGUMENT, …)"),
        (".param f(x)<={f(x)}", "wanted .func NAME(ARGUMENT, …)"),
        (".param f(x)=={f(x)}", "wanted .func NAME(ARGUMENT, …)"),
        (".model", "wanted .model NAME TYPE"),
        (".param x=`touch`", "'`' is not a character"),
        (".param x=a$(touch)", "'$' is not a character"),
        ('.param x="y"', "'\"' is not a character"),
        (".param x=1\\", "'\\\\' is not a character"),
        (".param r=1µ", "'µ' is not a character of a model's statement; write u for it"),
        (".param r=1\u03bc", "is not a character of a model's statement; write u for it"),
        (".model S VSWITCH Roff=1e6 Ron=1k Voff=1 Von=9", "S: ngspice has no VSWITCH; write a"),
        (".model S ISWITCH(Ioff=0)", "S: ngspice has no ISWITCH; write a"),
        (".param x=agauss(1,1,1)", "'agauss' draws random numbers"),
        (".param x={2*GAUSS (1,1,1)}", "'GAUSS' draws random numbers"),
        (".param x='aunif(1,1)'", "'aunif' draws random numbers"),
        (".func f(x) {x*unif(1,1)}", "'unif' draws random numbers"),
    ],
)
def test_all_that_is_no_part_of_a_model_is_refused_by_name_and_line(
    write: Write, statement: str, said: str, where: str
) -> None:
    path = write(**{where: statement})
    message = refusal(path)
    assert said in message
    first = 5 if where == "inside" else 7
    assert f"{path}, line {first}: " in message


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("V1 1 0 external", "asks whoever drives"),
        ("V1 1 0 pwl file=x.txt", "reads or writes a file"),
        ("V1 1 0 DC 0 TRNOISE(1n 1n 0 0)", "draws random numbers"),
        ("E9 1 0 LAPLACE {V(2)} {1/(1+s*1n)}", "ngspice has no LAPLACE"),
        ("E9 1 0 LAPLACE {V(2)} = {1/(1+s*1n)}", "ngspice has no LAPLACE"),
        ("G9 1 0 2 0 Laplace=1/(1+s*1n)", "ngspice has no LAPLACE"),
        ("E9 1 0 FREQ {V(2)}=(1,2,3)", "ngspice has no FREQ"),
        (".param x={limit(0,3m)}", "wanted 3 arguments of limit(…), got 2; ngspice's own of two"),
        (".param x={1+(limit (0,(3m)))}", "wanted 3 arguments of limit(…), got 2; ngspice's own"),
        ("B9 1 0 V=IF(V(2)>0,pwr(1,2))", "wanted 3 arguments of if(…), got 2"),
        ("B9 1 0 V=" + 9 * "pwrs(" + "V(2)" + 9 * ",2)", "wanted at most 8 calls of limit, if"),
        ("N1 1 0 mod", "letter 'N'"),
        ("Y1 1 0 2 0 mod", "letter 'Y'"),
        ("A1 [1] 2 fs", "asks for a .model that the file does not define"),
        ("D1 1 0 DX", "asks for a .model that the file does not define"),
        ("X1 1 2 OTHER", "asks for subcircuit OTHER; there are AMP"),
        ("X1 1 2 3 4 5 AMP", "put inside itself"),
        ("X1 1 2 AMP", "connects 2 nodes to the 5 pins of AMP"),
        (".subckt inner 1 2", "inside of the subcircuit of"),
        (".end", "inside of the subcircuit of"),
        ("shell touch x", "asks for a .model"),  # to SPICE a switch
        ("source other.cir x", "asks for a .model"),
        ("R1", "wanted an element's name, nodes and value"),
    ],
)
def test_elements_are_refused_by_name_and_line(write: Write, statement: str, said: str) -> None:
    path = write(inside=statement)
    message = refusal(path)
    assert said in message
    assert f"{path}, line {'2' if 'itself' in said else '5'}: " in message


@pytest.mark.parametrize(
    ("outside", "said"),
    [
        ("R1 1 2 1k", "stands outside of any subcircuit"),
        (".ends", ".ends without .subckt"),
        (".subckt open 1 2", ".subckt without .ends"),
        (".subckt AMP 1 2\nR1 1 2 1\n.ends", "a second subcircuit AMP"),
        (".model D D(IS=1)\n.model d D(IS=1)", "a second .model d"),
        (".subckt \n.ends", "wanted .subckt NAME PIN"),
    ],
)
def test_what_is_not_in_order_is_refused(write: Write, outside: str, said: str) -> None:
    assert said in refusal(write(outside=outside))


def test_a_line_that_continues_none_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "amp.lib"
    path.write_text("* head\n+ 1 2\n", encoding="utf8")
    assert f"{path}, line 2: continues a line that is not there" in refusal(path)


def test_names_that_are_not_there_and_other_pins_are_refused(write: Write) -> None:
    path = write(outside=".subckt TWO 1 2\nR1 1 2 1\n.ends")
    assert "no subcircuit OTHER; there are AMP, TWO" in refusal(path, "OTHER")
    message = refusal(path, "TWO")
    assert "circuit.opamp.pins: TWO of" in message
    assert "has 2 pins (1 2), got 5 (inp inn vdd vss out)" in message


@pytest.mark.parametrize(
    "content",
    [b"\x00\x01\x02", b"\x7fELF\x00\x00", b".subckt A 1 2\n\xff\xfe\n.ends", b"\xff\xfe.\x00s\x00"],
)
def test_what_is_no_text_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "amp.lib"
    path.write_bytes(content)
    assert str(path) in refusal(path)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (AMP.encode("utf-16"), "is text in UTF-16; save it as UTF-8"),
        (AMP.encode("utf-16-le"), "is text in UTF-16; save it as UTF-8"),
        (AMP.encode("utf-16-be"), "is text in UTF-16; save it as UTF-8"),
        (b"* LTspice Encrypted File\n*\n* Begin:\n  0B 5C D9 47\n* End\n", "is encrypted"),
        (b"<Binary File>\r\n\r\n\x00\x8a", "is encrypted"),
        (b"* part\n.subckt AMP 1 2 3 4 5\n$CDNENCSTART\nfab8\n.ends\n", "is encrypted"),
        (b".subckt A 1 2\nC1 1 2 10\xb5\n.ends\n", "line 2: 'µ' is not a character"),
    ],
)
def test_what_is_no_plain_text_gets_advice(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "amp.lib"
    path.write_bytes(content)
    assert f"{path}" in refusal(path)
    assert said in refusal(path)


def test_limit_with_a_spread_is_refused_where_it_is_used(write: Write) -> None:
    spread = ".param VOS={limit(0,3m)}\n"
    message = refusal(write("V9 1 9 {VOS}", f"{spread}.param OTHER=1"))
    assert "line 7: wanted 3 arguments of limit(…), got 2; ngspice's own of two draws" in message
    own = f"{spread}.func limit(x,s) {{x+s}}"  # the model's own, with a meaning of its own
    text = deck_text(write("V9 1 9 {VOS}", own))
    assert text.lower().count(".func limit") == 1


def test_files_that_cannot_be_read_are_refused(tmp_path: Path, write: Write) -> None:
    assert "there is no such model file" in refusal(tmp_path / "none.lib")
    assert "there is no such model file" in refusal(tmp_path)
    pipe = tmp_path / "pipe.lib"
    os.mkfifo(pipe)  # a reader would wait for ever
    assert "there is no such model file" in refusal(pipe)
    large = write(outside="* " + LARGEST * "x", name="large.lib")
    assert f"wanted at most {LARGEST:,} characters" in refusal(large)


def test_includes_stay_in_the_folder_of_the_library(tmp_path: Path, write: Write) -> None:
    folder = tmp_path / "models"
    (folder / "parts").mkdir(parents=True)
    (tmp_path / "secret.lib").write_text(".model DX D(IS=1)\n", encoding="utf8")
    (folder / "parts" / "link.lib").symlink_to(tmp_path / "secret.lib")
    (folder / "parts" / "diodes.lib").write_text(
        '.MODEL DX D(IS=2E-9)\n.include "more.lib"\n', encoding="utf8"
    )
    (folder / "parts" / "more.lib").write_text(".param RX=5\n", encoding="utf8")
    inside = "D1 1 2 DX\nR9 1 2 {RX}"
    sound = write(inside, '.lib "parts/diodes.lib"', "models/sound.lib")
    text = deck_text(sound)
    assert ".MODEL DX D(IS=2E-9)" in text
    assert ".param RX=5" in text
    assert "include" not in text
    assert ".lib" not in text
    linked = write(inside, ".include parts/link.lib", "models/linked.lib")
    message = refusal(linked)
    assert f"{linked}, line 8: parts/link.lib lies outside" in message
    section = write(inside, ".lib parts/diodes.lib typical", "models/section.lib")
    assert "takes the section 'typical'" in refusal(section)
    (folder / "parts" / "more.lib").write_text(".control\n", encoding="utf8")
    assert "more.lib, line 1: .control runs commands" in refusal(sound)


def test_models_that_unfold_without_end_are_refused(tmp_path: Path) -> None:
    # Each subcircuit holds two of the next: 2^19 at the bottom, from a file of a kilobyte.
    path = tmp_path / "amp.lib"
    cells = [
        f".subckt S{k} 1 2 3 4 5\nX1 1 2 3 4 5 S{k + 1}\nX2 1 2 3 4 5 S{k + 1}\n.ends"
        for k in range(19)
    ]
    last = ".subckt S19 1 2 3 4 5\nR1 1 2 1k\n.ends"
    path.write_text("\n".join([*cells, last]), encoding="utf8")
    assert "wanted at most 5,000, since a network has it many times" in refusal(path, "S0")
    deep = "\n".join(f".subckt S{k} 1 2 3 4 5\nX1 1 2 3 4 5 S{k + 1}\n.ends" for k in range(2000))
    path.write_text(deep, encoding="utf8")
    assert "wanted at most 20 subcircuits inside of each other" in refusal(path, "S0")
    for k in range(50):
        (tmp_path / f"i{k}.lib").write_text(f".include i{k + 1}.lib\n", encoding="utf8")
    assert "wanted at most 20 files inside of each other" in refusal(tmp_path / "i0.lib")
    path.write_text(AMP.format(inside="B1 1 2 V=" + "file" * 5000, outside="*"), encoding="utf8")
    assert "wanted at most 10,000 characters in a statement, got 20,009" in refusal(path)


TOKENS = (
    ".subckt AMP 1 2 3 4 5", ".ends", ".model D D(IS=1)", ".param A=1", "R1 1 2 1k", "D1 1 2 D",
    "X1 1 2 3 4 5 AMP", "+ more", "* note", ".control", ".endc", "*#shell x", "shell x", ".include",
    '.include "x"', ".lib x y", "\n", "\r", "\r\n", "\x0c", "\u2028", "\x00", "; ", " $ ", "//",
    "`x`", "$(x)", "{A}", "'A'", '"', "\\", " ", "\t", ".end", "file=", "é", "E1 5 0 1 2 1e5",
)  # fmt: skip


@given(st.lists(st.sampled_from(TOKENS) | st.text(max_size=3), max_size=30).map("".join))
def test_whatever_a_text_holds_only_statements_of_the_list_get_through(text: str) -> None:
    try:
        library = parse_library(split_lines(text, "text"), "text")
        cells = library.closure("AMP")
    except UserError as error:
        assert len(str(error)) > 10  # noqa: PT017  # the other branch is as good
        return
    names = {cell.name.lower(): f"n{k}" for k, cell in enumerate(cells)}
    for cell in cells:
        for line in library.statements(cell, names):
            word = line.split()[0].lower()
            assert word in CARDS or word[0] in ELEMENTS
            assert line.isascii()
            assert line.isprintable() or "\t" in line
            assert not set('`$;"\\@') & set(line)


def test_text_of_a_configuration_is_screened_as_a_file_is(write: Write) -> None:
    read = with_models(circuit(write()))
    assert read.opamp.model is not None
    assert read.opamp.model.text is not None
    for bad in (".control\n", "*#shell x\n", '.include "x"\n', ".model f filesource(x=1)\n"):
        tree = read.model_dump()
        tree["opamp"]["model"]["text"] += bad
        tampered = CircuitParameters.model_validate(tree)
        with pytest.raises(UserError, match=r"circuit\.opamp\.model\.text"):
            opamp_cells(tampered.opamp)


def test_logical_lines(tmp_path: Path) -> None:
    path = tmp_path / "x.lib"
    path.write_bytes(
        b"\xef\xbb\xbf* title\r\n.subckt A 1 2 ; pins\r\n*#####\r\nR1 1 2\r\n"
        b"* between\r\n+ 1k $ a comment\r\n+ TC=1 // another\r\n"
        b"* 10\xb5 in latin-1\r\n.ends\r\n\r\n.END\r\n"
    )
    lines = read_lines(path)
    assert [line.text for line in lines] == [".subckt A 1 2", "R1 1 2 1k TC=1", ".ends", ".END"]
    assert [line.place.rpartition(" ")[2] for line in lines] == ["2", "4", "9", "11"]
    library = parse_library(lines, "x.lib")
    assert library.subckt("a").ports == ("1", "2")


def test_only_what_the_model_needs_gets_through_under_names_of_its_own(write: Write) -> None:
    inside = "X9 1 2 PART PARAMS: R={RA}\nD1 1 2 DA\nQ1 1 2 3 QIN\n.model QIN NPN(BF=1)"
    outside = (
        ".param RA=5\n.param RB={RA*2}\n.param RC=9\n"
        ".model DA D(IS={RB*1e-12})\n.model DB D(IS=1)\n"
        ".subckt PART a b PARAMS: R=1\nR1 a b {R}\n.ends\n"
        ".subckt UNUSED a b\nR1 a b {RC}\nX1 a b MISSING\n.ends"
    )
    text = deck_text(write(inside, outside))
    assert "X9 1 2 oa1_part PARAMS: R={RA}" in text
    assert ".subckt oa0_amp 1 2 3 4 5" in text
    assert ".subckt oa1_part a b PARAMS: R=1" in text
    for kept in (".param RA=5", ".param RB={RA*2}", ".model DA", ".model QIN"):
        assert text.count(kept) == 1
    for left in ("RC", "DB", "UNUSED", "MISSING"):
        assert left not in text


@pytest.mark.parametrize("level", ["", "(level=1)", "(level = 3, vto=1)", "vto=1 LEVEL=9"])
def test_levels_that_write_no_file_are_taken(write: Write, level: str) -> None:
    text = deck_text(write(f"M1 1 2 0 0 MM L=1u W=1u\n.model MM nmos {level}"))
    assert f".model MM nmos {level}".rstrip() in text


def test_settings_come_with_those_that_they_need_wherever_these_stand(write: Write) -> None:
    outside = (
        ".param A={2*B*f(1)}\n.param UNUSED={A}\n.func f(x) {g(x)+C}\n.func g(B) {B+1}\n"
        ".param B=3\n.param C=4 D=5"
    )
    path = write("B1 6 0 V={A}\nR2 6 0 1k", outside)
    text = deck_text(path)
    assert [line for line in text.split("\n") if line[0] == "."] == [
        ".subckt oa0_amp 1 2 3 4 5",
        ".param A={2*B*f(1)}",
        ".func f(x) {g(x)+C}",
        ".func g(B) {B+1}",
        ".param B=3",
        ".param C=4 D=5",
        ".ends",
    ]
    # ngspice takes them in that order: 2·3·(1 + 1 + 4) = 36 V.
    deck = path.with_name("deck.cir")
    control = ".control\nop\nprint v(x1.6)\nquit\n.endc"
    deck.write_text(f"* deck\n{text}\nV1 1 0 1\nX1 1 0 0 0 5 oa0_amp\n{control}\n.end\n")
    command = ["ngspice", "-b", str(deck)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert "v(x1.6) = 3.600000e+01" in done.stdout


@pytest.mark.parametrize(
    ("outside", "inside", "way", "line"),
    [
        (".func f(x) {f(x)}", "*", "f() -> f()", 8),
        ("*\n.FUNC F(x) {2*g (x)}\n.func g(x) {f(x)}", "*", "f() -> g() -> f()", 9),
        (".param a={b}\n.param b={2*a}", "*", "a -> b -> a", 8),
        (".param a={f(1)}\n.func f(x) {a*x}", "*", "a -> f() -> a", 8),
        (".param f(x)={f(x)}", "*", "f() -> f()", 8),
        (".func ff(x) {f'' f{(x)}}", "*", "ff() -> ff()", 8),
        (".func f(x) {g(x)}", ".func g(x) {f(x)}", "f() -> g() -> f()", 8),
        ("*", ".func h(x) {h(x)}", "h() -> h()", 6),
        ("*", ".param p={p+1}", "p -> p", 6),
        ("*", ".func min(x,y) {limit(x,y,y)}", "limit() -> min() -> limit()", 2),
    ],
)
def test_settings_that_come_back_to_themselves_are_refused(
    write: Write, outside: str, inside: str, way: str, line: int
) -> None:
    uses = "B1 6 0 V={a+b+f(1)+ff(2)}"
    path = write(f"{uses}\n{inside}", outside)
    message = refusal(path)
    assert f"{path}, line {line}: {way.partition(' ')[0]} is defined by itself ({way});" in message


def test_names_that_only_look_like_a_circle_are_taken(write: Write) -> None:
    # A function's argument, a parameter of a function's name, and digits with an exponent.
    inside = (
        ".func f(f) {2*f}\n.param f={f(1)}\n.param e5={1e5*f} g={(a)<=(b)}\n"
        ".param a={x} b=max(1,2) x=2"
    )
    assert inside in deck_text(write(inside))


@pytest.mark.parametrize(
    "statement",
    [
        f".param {9900 * 'a'}", f".param a{9900 * ' '}b", f".param {4900 * 'a('}",
        f"X1 1 2 3 4{9900 * ' '}5 PART", f".param {4900 * 'a '}", f".param {9900 * '('}",
    ],
)  # fmt: skip
def test_long_statements_are_no_trouble(write: Write, statement: str) -> None:
    # A search that begins anew at each character takes minutes for a file full of such.
    inside = "\n".join(10 * [statement])
    part = ".subckt PART 1 2 3 4 5\nR1 1 2 1k\n.ends"
    assert deck_text(write(inside, part)).startswith(".subckt oa0_amp 1 2 3 4 5\n")


def test_ngspice_does_run_the_commands_that_are_refused(tmp_path: Path, write: Write) -> None:
    # What the screening is for: an included model writes a file. The screened path refuses it.
    for k, statement in enumerate((".control\nshell touch {0}\n.endc", "*#shell touch {0}")):
        mark = tmp_path / f"mark{k}"
        path = write(outside=statement.format(mark), name=f"bad{k}.lib")
        deck = tmp_path / "deck.cir"
        deck.write_text(f"* deck\n.include {path}\nV1 1 0 1\nR1 1 0 1\n.op\n.end\n")
        command = ["ngspice", "-b", str(deck)]
        subprocess.run(command, capture_output=True, timeout=60, check=False)
        assert mark.is_file()
        mark.unlink()
        assert f"{path}, line 7: " in refusal(path)
        assert not mark.exists()
