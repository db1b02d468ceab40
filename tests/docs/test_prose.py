import subprocess
from pathlib import Path, PurePath

import pytest

from tests.docs.prose import CHECKOUT, LIMIT_PER_1000_WORDS, Count, count, main, prose_of

PLAIN = "The monitor is down, because the deadline has passed. "
VAGUE = "What nobody pushed to is whatever somebody meanwhile declared anew. "


def vague_words(name: str, text: str) -> list[str]:
    return [word for line in prose_of(PurePath(name), text) for word in line.vague_words]


@pytest.mark.parametrize(
    ("name", "text", "found"),
    [
        ("a.py", '"""Who pushes."""\nx: int = 1\n"""What it is."""\n', ["who", "what"]),
        ("a.py", "class A:\n    def f(self):\n        'Such'\n", ["such"]),
        ("a.py", "who = 'what'  # whose\n", ["whose"]),
        ("a.py", "def nobody(): return '# whom'\n", []),
        ("a.md", "Whoever `what` pushes.\n\n```sh\ncurl who\n```\n\nAnew.", ["whoever", "anew"]),
        ("a.sh", "#!/bin/sh\nwhat=$# # who\necho ${x#such}\n", ["who"]),
        ("Makefile", "who: what ## start anew\n# such\n", ["anew", "such"]),
        ("a.yaml", "what: who # whom\n", ["whom"]),
        ("a.tpl", "{{/* who\nwhat */}}\nnobody\n", ["who", "what"]),
        ("a.json", '{"#": "who"}', []),
    ],
)
def test_vague_words_are_found_in_prose_and_not_in_code(
    name: str, text: str, found: list[str]
) -> None:
    assert vague_words(name, text) == found


@pytest.mark.parametrize("name", ["a.py", "a.md", "a.sh"])
def test_a_vague_word_is_reported_with_its_line(name: str) -> None:
    text = "#\n\n# plain\n# who\n"

    assert [line.number for line in prose_of(PurePath(name), text) if line.vague_words] == [4]


def test_a_line_after_a_code_block_keeps_its_number() -> None:
    text = "plain\n```sh\ncode\n```\nwho\n"

    (line,) = [line for line in prose_of(PurePath("a.md"), text) if line.vague_words]
    assert line.number == 5


def test_prose_at_the_limit_passes_and_above_the_limit_fails() -> None:
    assert not Count(1000, int(LIMIT_PER_1000_WORDS)).is_too_high
    assert Count(1000, int(LIMIT_PER_1000_WORDS) + 1).is_too_high


def test_prose_without_words_is_not_above_the_limit() -> None:
    assert count([]).per_1000_words == 0


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    subprocess.run(["git", "init", "--quiet", tmp_path], check=True)
    save(tmp_path / "docs" / "plain.md", PLAIN * 1000)
    return tmp_path


def save(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_a_checkout_of_plain_prose_passes(
    checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([], checkout) == 0
    assert "got 0.0 (0 in 9000 words)" in capsys.readouterr().out


def test_a_planted_vague_docstring_fails_and_is_named_with_its_count(
    checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save(checkout / "core" / "bad.py", f'"""{VAGUE * 100}"""\n')

    assert main([], checkout) == 1
    printed = capsys.readouterr().out
    assert "600 in  1000  core/bad.py" in printed
    assert "above the limit: core" in printed


def test_a_large_vague_folder_fails_although_the_whole_is_plain(checkout: Path) -> None:
    save(checkout / "core" / "bad.py", f'"""{PLAIN * 120} {VAGUE * 3}"""\n')

    assert main([], checkout) == 1


def test_a_small_vague_folder_counts_with_the_whole_only(checkout: Path) -> None:
    save(checkout / "core" / "bad.py", f'"""{VAGUE}"""\n')

    assert main([], checkout) == 0


def test_the_lines_of_a_named_folder_are_printed(
    checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save(checkout / "core" / "bad.py", "x = 1\n# Whose deadline it is.\n")

    assert main(["core"], checkout) == 1
    assert "core/bad.py:2: whose: Whose deadline it is." in capsys.readouterr().out


def test_a_symbolic_link_is_not_counted_again(
    checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (checkout / "link.md").symlink_to("docs/plain.md")

    main([], checkout)
    assert "in 9000 words" in capsys.readouterr().out


def test_decision_records_and_ignored_files_are_not_measured(checkout: Path) -> None:
    save(checkout / ".gitignore", "dist/\n")
    for name in ("docs/adr/0001-record.md", "dist/copy.md"):
        save(checkout / name, VAGUE * 1000)

    assert main([], checkout) == 0


def test_make_check_counts_vague_words_in_the_whole_checkout() -> None:
    planned = subprocess.run(
        ["make", "--dry-run", "check"], cwd=CHECKOUT, capture_output=True, text=True, check=True
    )

    (command,) = [line for line in planned.stdout.splitlines() if "tests.docs.prose" in line]
    assert command.rstrip().endswith("-m tests.docs.prose")
