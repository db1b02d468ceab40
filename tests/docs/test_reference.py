"""The reference is complete and lists only existing flags, metrics, fields and log lines."""

import argparse
import ast
import re
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from pydantic import BaseModel

from tests.all_metrics import page_of_all_metrics
from tests.docs.documents import CHECKOUT, documents, rows_of, text_of, without_blocks
from yuptime_exporter.core.errors import RejectionReason
from yuptime_exporter.core.identity import RESERVED_LABELS
from yuptime_exporter.core.model import State
from yuptime_exporter.resource.shapes import MonitorResource, PushSpec
from yuptime_exporter.resource.validation import EXPECTED
from yuptime_exporter.settings.command_line import argument_parser
from yuptime_exporter.settings.flags import DEFAULT_ADDRESS
from yuptime_exporter.settings.shapes import ConfigurationFile
from yuptime_exporter.web.failures import REJECTION_ANSWERS

# A name after a colon is that of a recording rule.
_NAME = re.compile(r"(?<!:)\byuptime_[a-z0-9_]+\b")
_OF_PYTHON = {"yuptime_exporter"}  # the package, not a metric
_ALL_OF_A_KIND = re.compile(r"`yuptime_[a-z_]*\*`")

# No server listens there; the exporter exposes the series of an Alertmanager only.
ALERTMANAGER = "--alertmanager.url=http://127.0.0.1:9"


def code_in(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


async def exposed(folder: Path) -> dict[str, tuple[str, set[str]]]:
    """Type and labels of every metric of the exporter, by its name in queries."""
    found: dict[str, tuple[str, set[str]]] = {}
    text = await page_of_all_metrics(folder)
    for family in text_string_to_metric_families(text):
        name = f"{family.name}_total" if family.type == "counter" else family.name
        if name.startswith("yuptime_"):
            labels = {label for sample in family.samples for label in sample.labels}
            found[name] = family.type, labels - {"le"}
    return found


async def test_the_reference_lists_every_metric_with_its_type_and_labels(tmp_path: Path) -> None:
    listed = {
        code_in(row[0])[0]: (row[1], set(code_in(row[2])))
        for row in rows_of("docs/metrics.md")
        if row[0].startswith("`yuptime_")
    }

    assert listed == await exposed(tmp_path)


async def test_the_exporter_exposes_every_metric_that_documents_mention(tmp_path: Path) -> None:
    found = await exposed(tmp_path)
    names = set(found) | {
        f"{name}_{part}"
        for name, (kind, _) in found.items()
        if kind == "histogram"
        for part in ("bucket", "count", "sum")
    }

    for document in documents():
        text = _ALL_OF_A_KIND.sub("", text_of(document))
        assert set(_NAME.findall(text)) - _OF_PYTHON - names == set(), document


def test_the_reference_lists_every_reason_of_a_rejection() -> None:
    text = text_of("docs/metrics.md")

    assert [reason for reason in RejectionReason if f"`{reason}`" not in text] == []


def flags() -> dict[str, argparse.Action]:
    return {action.option_strings[-1]: action for action in argument_parser()._actions}


def test_the_reference_lists_every_flag_and_no_other() -> None:
    rows = [row for row in rows_of("docs/operations.md") if row[0].startswith("`--")]
    listed = [code_in(row[0])[0].partition("=")[0] for row in rows]

    assert sorted(listed) == sorted(flags())


def test_every_flag_has_the_default_that_the_reference_lists() -> None:
    listed = {
        code_in(row[0])[0].partition("=")[0]: code_in(row[1])
        for row in rows_of("docs/operations.md")
        if row[0].startswith("`--")
    }
    defaults = {
        flag: [action.default]
        for flag, action in flags().items()
        if isinstance(action.default, str) and action.default != argparse.SUPPRESS
    }

    assert {flag: listed[flag] for flag in defaults} == defaults
    assert listed["--web.listen-address"] == [DEFAULT_ADDRESS]


def test_every_flag_that_documents_mention_exists() -> None:
    ours = r"`(--(?:web|push|log|storage|source|config|alertmanager|kubernetes)\.[a-z.-]+)"
    for document in documents():
        mentioned = set(re.findall(ours, without_blocks(document)))

        assert mentioned - set(flags()) == set(), document


def test_the_reference_lists_every_field_of_a_monitor_and_no_other() -> None:
    paths = set(EXPECTED[MonitorResource])
    parents = {path[:length] for path in paths for length in range(1, len(path))}
    fields = {".".join(path) for path in paths - parents}
    rows = rows_of("docs/manifests.md")
    of_a_monitor = rows[: next(n for n, row in enumerate(rows) if row == ["field", "meaning"])]
    listed = {code_in(row[0])[0] for row in of_a_monitor if row[0].startswith("`")}

    assert listed == fields | {"apiVersion", "kind"}


def test_every_field_of_a_push_monitor_has_the_default_that_the_reference_lists() -> None:
    listed = {row[0]: row[1] for row in rows_of("docs/manifests.md")}

    for name in ("expire_seconds", "grace_period_seconds"):
        info = PushSpec.model_fields[name]
        assert listed[f"`spec.target.push.{info.alias}`"] == f"`{info.default}`"


def test_the_reference_lists_every_reserved_label() -> None:
    text = text_of("docs/manifests.md")

    assert [label for label in sorted(RESERVED_LABELS) if f"`{label}`" not in text] == []


def test_the_reference_lists_every_http_status_of_a_push_and_no_other() -> None:
    native = {int(row[0]) for row in rows_of("docs/push.md") if row[0].isdigit()}
    of_dialects = {int(row[0]) for row in rows_of("docs/dialects.md") if row[0].isdigit()}

    assert native == {
        answer.status.value
        for reason, answer in REJECTION_ANSWERS.items()
        if reason is not RejectionReason.AMBIGUOUS
    } | {200, 404, 405}
    assert of_dialects - native == {REJECTION_ANSWERS[RejectionReason.AMBIGUOUS].status.value}


def test_the_readme_lists_every_state_and_no_other() -> None:
    rows = rows_of("README.md")
    listed = {code_in(row[0])[0] for row in rows if row[0].startswith("`")}

    assert listed == set(State)


def keys_of(model: type[BaseModel]) -> set[str]:
    names = set(model.model_fields)
    for info in model.model_fields.values():
        if isinstance(info.annotation, type) and issubclass(info.annotation, BaseModel):
            names |= keys_of(info.annotation)
    return names


def test_the_reference_shows_every_key_of_the_configuration_file() -> None:
    text = text_of("docs/operations.md")
    shown = set(re.findall(r"^ *([a-z_]+):", text, re.MULTILINE))

    assert keys_of(ConfigurationFile) - shown == set()


def anchors_of(document: str) -> set[str]:
    """The anchors of the headings, as Git hosts make them."""
    headings = re.findall(r"^#+ (.+)$", without_blocks(document), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", documents())
def test_every_link_in_documents_has_a_target(document: str) -> None:
    folder = (CHECKOUT / document).parent
    for link in re.findall(r"\]\(([^)]+)\)", without_blocks(document)):
        name, _, anchor = link.partition("#")
        target = (folder / name).resolve() if name else CHECKOUT / document

        assert "://" not in link, f"{link}: only what is in the checkout stays with it"
        assert target.exists(), link
        if anchor:
            assert anchor in anchors_of(str(target.relative_to(CHECKOUT))), link


def test_links_lead_from_the_readme_to_every_document() -> None:
    reached: set[str] = set()
    waiting = ["README.md"]
    while waiting:
        document = waiting.pop()
        reached.add(document)
        for name in re.findall(r"\]\(([^)#]+\.md)", text_of(document)):
            target = str((CHECKOUT / document).parent.joinpath(name).resolve())
            linked = str(Path(target).relative_to(CHECKOUT))
            if linked in documents() and linked not in reached:
                waiting.append(linked)

    assert sorted(reached) == sorted({*documents()} - {"docs/README.md"})


# A log line that a document quotes stands in backticks after one of these words.
_QUOTED_LOG_LINE = re.compile(r"\b(?:log line|line|logs)\s+`([^`\n]+)`")


def log_messages() -> set[str]:
    """The texts in the program's code, with adjacent pieces joined."""
    texts = set()
    for path in (CHECKOUT / "yuptime_exporter").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                texts.add(node.value)
    return texts


def quoted_log_lines() -> dict[str, str]:
    """The quoted log lines, with the document of each."""
    quoted = {
        line: document
        for document in documents()
        if not document.startswith("docs/adr/")
        for line in _QUOTED_LOG_LINE.findall(without_blocks(document))
    }
    table = rows_of("docs/operations.md")
    head = next(n for n, row in enumerate(table) if row[0] == "log or answer")
    for row in table[head + 1 :]:
        quoted |= dict.fromkeys(code_in(row[0]), "docs/operations.md")
    return quoted


def test_the_program_writes_every_log_line_that_documents_quote() -> None:
    messages = log_messages()
    quoted = quoted_log_lines()

    assert len(quoted) > 10
    assert {
        line: document
        for line, document in quoted.items()
        if not any(line in message for message in messages)
    } == {}
