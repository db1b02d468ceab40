"""Plain English, measured: the number of vague words in 1,000 words of prose.

    python -m tests.docs.prose                  the whole checkout, as `make prose` runs it
    python -m tests.docs.prose docs deploy/crd  these files and folders, with the lines to rewrite

Prose is the docstrings and comments of Python, the comments of shell, YAML, TOML and Makefiles, and
Markdown without code. Decision records (docs/adr) are left out: a record is superseded, not edited.
"""

import ast
import io
import re
import subprocess
import sys
import tokenize
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

CHECKOUT = Path(__file__).parents[2]

# Words that stand in for the subject of a sentence. Plain prose needs about 2 of them in 1,000.
VAGUE_WORDS = frozenset(
    {
        *("who", "whom", "whose", "what", "whoever", "whatever"),
        *("nobody", "somebody", "anybody", "everybody", "such", "anew", "meanwhile"),
    }
)
LIMIT_PER_1000_WORDS = 10.0
SMALLEST_FOLDER_WORDS = 1000  # in a smaller folder a few words decide, so only the whole counts
WORST_FILES = 15

_RECORDS = PurePath("docs/adr")
_WITH_HASH_COMMENTS = {"", ".sh", ".yaml", ".yml", ".toml", ".tpl", ".mod", ".dockerignore"}

_WORD = re.compile(r"[A-Za-z][A-Za-z']*")
_CODE = re.compile(r"``.+?``|`[^`\n]+`")
_FENCED = re.compile(r"^ *```.*?^ *```[^\n]*$", re.MULTILINE | re.DOTALL)
_HASH_COMMENT = re.compile(r"(?:^|(?<=\s))#(?!!)(?P<text>.*)$", re.MULTILINE)
_TEMPLATE_COMMENT = re.compile(r"\{\{-?\s*/\*(?P<text>.*?)\*/", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of prose.

    Attributes:
        number: of the line in its file, counted from 1.
        text: without code.
    """

    number: int
    text: str

    @property
    def words(self) -> list[str]:
        """All words, in lower case."""
        return [word.lower() for word in _WORD.findall(self.text)]

    @property
    def vague_words(self) -> list[str]:
        """The vague words, in lower case and in their order."""
        return [word for word in self.words if word in VAGUE_WORDS]


@dataclass(frozen=True, slots=True)
class Count:
    """Numbers of words."""

    words: int
    vague_words: int

    @property
    def per_1000_words(self) -> float:
        """The vague words in 1,000 words; 0 if there is no prose."""
        return 1000 * self.vague_words / self.words if self.words else 0.0

    @property
    def is_too_high(self) -> bool:
        """Whether the limit is exceeded."""
        return self.per_1000_words > LIMIT_PER_1000_WORDS


Prose = Mapping[PurePath, Sequence[Line]]


def prose_of(path: PurePath, text: str) -> list[Line]:
    """Return the prose of one file, in the order of its lines.

    Args:
        path: names the file, and so the language of the text.
        text: the content of the file.
    """
    if path.suffix == ".py":
        passages = [*_docstrings(text), *_python_comments(text)]
    elif path.suffix == ".md":
        passages = [(1, _FENCED.sub(_empty_lines, text))]
    elif path.suffix in _WITH_HASH_COMMENTS or path.name == "Dockerfile":
        passages = [*_matches(_HASH_COMMENT, text), *_matches(_TEMPLATE_COMMENT, text)]
    else:
        passages = []
    lines = [
        Line(first + offset, _CODE.sub(" ", line))
        for first, passage in passages
        for offset, line in enumerate(passage.splitlines())
    ]
    return sorted(lines, key=lambda line: line.number)


def count(lines: Iterable[Line]) -> Count:
    """Count the words of prose."""
    lines = list(lines)
    return Count(
        words=sum(len(line.words) for line in lines),
        vague_words=sum(len(line.vague_words) for line in lines),
    )


def read_prose(checkout: Path, only: Sequence[str] = ()) -> dict[PurePath, list[Line]]:
    """Read the prose of the files that git tracks or would track, by their path in the checkout.

    Args:
        checkout: the root of the checkout.
        only: files and folders to read, relative to the checkout; empty for all.
    """
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=checkout,
        capture_output=True,
        check=True,
    )
    prose = {}
    for name in sorted(listed.stdout.decode().split("\0")):
        path = PurePath(name)
        wanted = not only or any(path.is_relative_to(folder) for folder in only)
        is_own = (checkout / path).is_file() and not (checkout / path).is_symlink()
        if wanted and is_own and not path.is_relative_to(_RECORDS):
            try:
                prose[path] = prose_of(path, (checkout / path).read_text(encoding="utf-8"))
            except UnicodeDecodeError:  # a picture, or another file that is not text
                continue
    return prose


def by_folder(prose: Prose) -> dict[str, list[Line]]:
    """Join the prose of the files of each folder; the package and the tests count by subfolder."""
    folders: dict[str, list[Line]] = {}
    for path, lines in sorted(prose.items()):
        depth = 2 if path.parts[0] in ("yuptime_exporter", "tests") else 1
        folders.setdefault("/".join(path.parts[:-1][:depth]) or ".", []).extend(lines)
    return folders


def main(arguments: Sequence[str], checkout: Path = CHECKOUT) -> int:
    """Print the measure of the checkout, or the vague lines of the named files and folders.

    Returns:
        1 if the whole, or a folder with at least 1,000 words, exceeds the limit; else 0.
    """
    prose = read_prose(checkout, arguments)
    folders = {folder: count(lines) for folder, lines in by_folder(prose).items()}
    whole = [line for lines in prose.values() for line in lines]
    measured = count(whole)
    if arguments:
        _print_lines(prose)
    else:
        _print_counts("vague words in 1,000 words, by folder", folders)
        _print_counts("worst files", _worst({str(path): count(prose[path]) for path in prose}))
    failing = [
        folder
        for folder, found in folders.items()
        if found.is_too_high and found.words >= SMALLEST_FOLDER_WORDS
    ]
    if measured.is_too_high or failing:
        frequent = Counter(word for line in whole for word in line.vague_words).most_common(6)
        _say("most frequent: " + ", ".join(f"{word} {number}" for word, number in frequent))
        _say(f"above the limit: {', '.join(failing) or 'the whole'}")
        _say("CONTRIBUTING.md has the rules; `make prose FILES=FILE` lists the lines of a file")
    _say(
        f"prose: expected at most {LIMIT_PER_1000_WORDS:.0f} vague words in 1,000, got "
        f"{measured.per_1000_words:.1f} ({measured.vague_words} in {measured.words} words)"
    )
    return 1 if measured.is_too_high or failing else 0


def _docstrings(text: str) -> Iterator[tuple[int, str]]:
    """Yield each string that is a statement by itself: docstrings, also those of attributes."""
    for node in ast.walk(ast.parse(text)):
        match node:
            case ast.Expr(value=ast.Constant(value=str(docstring))):
                yield node.lineno, docstring


def _python_comments(text: str) -> Iterator[tuple[int, str]]:
    if "#" in text:  # tokenizing is slow
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type == tokenize.COMMENT:
                yield token.start[0], token.string.lstrip("#")


def _matches(pattern: re.Pattern[str], text: str) -> Iterator[tuple[int, str]]:
    for found in pattern.finditer(text):
        yield text.count("\n", 0, found.start()) + 1, found["text"]


def _empty_lines(found: re.Match[str]) -> str:
    return "\n" * found[0].count("\n")


def _worst(files: Mapping[str, Count]) -> dict[str, Count]:
    worst = sorted(files.items(), key=lambda item: item[1].vague_words, reverse=True)
    return {name: found for name, found in worst[:WORST_FILES] if found.vague_words}


def _print_lines(prose: Prose) -> None:
    for path, lines in prose.items():
        for line in lines:
            if line.vague_words:
                _say(f"{path}:{line.number}: {', '.join(line.vague_words)}: {line.text.strip()}")


def _print_counts(title: str, counts: Mapping[str, Count]) -> None:
    _say(f"{title}:")
    for name, found in counts.items():
        _say(f"  {found.per_1000_words:5.1f}  {found.vague_words:4d} in {found.words:5d}  {name}")


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
