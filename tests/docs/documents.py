"""The content of the documents for users: fenced blocks, tables, links."""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

CHECKOUT = Path(__file__).parents[2]

_FENCE = re.compile(r"^```(?P<info>[^\n`]*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
_SAVED_AS = re.compile(r"[Ss]ave (?:this|it) as `(?P<name>[^`]+)`")


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block.

    Attributes:
        line: of its fence, counted from 1.
        language: the first word after the fence.
        tags: the words after that.
        file_name: the name of the file in which the reader saves the block; empty if none.
    """

    document: str
    line: int
    language: str
    tags: tuple[str, ...]
    text: str
    file_name: str

    def __str__(self) -> str:
        return f"{self.document}:{self.line}"


def documents() -> list[str]:
    """All documents for users, relative to the checkout."""
    paths = [CHECKOUT / "README.md", CHECKOUT / "CHANGELOG.md", *CHECKOUT.glob("docs/**/*.md")]
    return sorted(str(path.relative_to(CHECKOUT)) for path in paths)


@cache
def text_of(document: str) -> str:
    return (CHECKOUT / document).read_text(encoding="utf-8")


@cache
def blocks_of(document: str) -> tuple[Block, ...]:
    """The fenced blocks of a document, in their order."""
    text = text_of(document)
    blocks = []
    end = 0
    for fence in _FENCE.finditer(text):
        language, *tags = fence["info"].split() or [""]
        saved = list(_SAVED_AS.finditer(text, end, fence.start()))
        blocks.append(
            Block(
                document=document,
                line=text.count("\n", 0, fence.start()) + 1,
                language=language,
                tags=tuple(tags),
                text=fence["text"],
                file_name=saved[-1]["name"] if saved else "",
            )
        )
        end = fence.end()
    return tuple(blocks)


def blocks(language: str) -> list[Block]:
    """All blocks of a language, in all documents."""
    return [
        block for document in documents() for block in blocks_of(document)
        if block.language == language
    ]  # fmt: skip


def rows_of(document: str) -> list[list[str]]:
    """The rows of all tables of a document, without their heads."""
    lines = [line for line in text_of(document).splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def without_blocks(document: str) -> str:
    """The prose of a document."""
    return _FENCE.sub("", text_of(document))
