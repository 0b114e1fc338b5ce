"""What the pages hold: their blocks, and the commands in them."""

import ast
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGES = (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md")))
BLOCK = re.compile(r"^```([^\n]*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
SHELL = ("bash", "sh", "console")
LINK = re.compile(r"\]\(([^)\s]+)\)")
_INLINE = re.compile(r"`((?:danp-cosim|python|ngspice|make|--\w)[^`]*)`")
_TITLE = re.compile(r'title="([^"]+)"')
# The module whose docstring is the front page of the API.
_DOCSTRINGS = (ROOT / "sim" / "cosim.py",)


@dataclass(frozen=True)
class Block:
    """A fenced block of a page.

    Attributes:
        language: behind the fence.
        text: what is in it.
        title: of a block that shows a file, the file's name.
        output: what it is said to print: of Python a text block directly behind it, of commands
            the next block of their section, if it is text.
    """

    language: str
    text: str
    title: str | None = None
    output: str | None = None


@dataclass(frozen=True)
class Command:
    """A command of a page.

    Attributes:
        line: as it stands there, its continuation lines joined.
        words: without comments.
    """

    line: str
    words: tuple[str, ...]

    @property
    def program(self) -> str:
        """What is started: `danp-cosim run`, `python -m sim.run`, `make test`, `ngspice`."""
        for start, length in (("python -m ", 3), ("python ", 2), ("danp-cosim ", 2), ("make ", 2)):
            if self.line.startswith(start):
                return " ".join(self.words[:length])
        return self.words[0]

    @property
    def arguments(self) -> tuple[str, ...]:
        """All behind the program."""
        return self.words[len(self.program.split()) :]

    def after(self, *options: str) -> str | None:
        """Value of an option."""
        for word, following in zip(self.words, (*self.words[1:], ""), strict=True):
            name, equals, value = word.partition("=")
            if name in options:
                return value if equals else following
        return None


def page_name(page: Path) -> str:
    """A page's name from the root, as in `docs/noise.md`."""
    return page.relative_to(ROOT).as_posix()


def blocks_in(text: str) -> list[Block]:
    """The blocks of a text, in order."""
    found = list(BLOCK.finditer(text))
    blocks = []
    for one, following in zip_longest(found, found[1:]):
        language, _, more = one[1].strip().partition(" ")
        title = _TITLE.search(more)
        output = None
        if following is not None and following[1].strip() == "text":
            between = text[one.end() : following.start()]
            apart = (
                re.search(r"^#", between, re.MULTILINE) if language in SHELL else between.strip()
            )
            output = None if apart else following[2]
        blocks.append(Block(language, one[2], title and title[1], output))
    return blocks


def blocks_of(page: Path) -> list[Block]:
    """The blocks of a page, or of a module's docstring."""
    text = page.read_text(encoding="utf8")
    if page.suffix == ".py":
        text = ast.get_docstring(ast.parse(text)) or ""
    return blocks_in(text)


def command_from(line: str) -> Command:
    """A command from its line."""
    return Command(" ".join(line.split()), tuple(shlex.split(line, comments=True)))


def commands_in(block: Block) -> Iterator[Command]:
    """The commands of a shell's block: every line that is no comment, joined where it goes on."""
    for line in block.text.replace("\\\n", " ").splitlines():
        bare = line.removeprefix("$ ").strip()
        printed = block.language == "console" and not line.startswith("$ ")
        command = command_from(bare)
        if command.words and not printed:
            yield command


def commands_of(page: Path) -> list[Command]:
    """All commands of a page."""
    return [
        command
        for block in blocks_of(page)
        if block.language in SHELL
        for command in commands_in(block)
    ]


def inline_of(page: Path) -> list[str]:
    """What stands in sentences and tables as a command, or as options of one."""
    spans = _INLINE.findall(BLOCK.sub("", page.read_text(encoding="utf8")))
    return [" ".join(span.split()) for span in spans]


def pages_with_code() -> list[Path]:
    """Pages, and modules with examples in their docstring, that show commands or Python."""
    return [
        page
        for page in (*PAGES, *_DOCSTRINGS)
        if any(block.language in (*SHELL, "python") for block in blocks_of(page))
    ]
