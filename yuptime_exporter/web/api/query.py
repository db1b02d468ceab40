"""The query of a list: which monitors, and which part of them. Pages and JSON read it alike."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from urllib.parse import parse_qsl, urlencode

from yuptime_exporter.core.model import State
from yuptime_exporter.core.overview import Filters

DEFAULT_LIMIT = 100
MAX_LIMIT = 1000

# Far above the number of pages of any table, and small enough for every client.
MAX_PAGE = 1_000_000

NAMES = ("state", "namespace", "name", "label", "search", "page", "limit")


class QueryInvalid(Exception):
    """A query cannot be read; the text says the expected and the given value."""


@dataclass(frozen=True, slots=True)
class ListQuery:
    """The query of a list.

    Attributes:
        page: counted from 1.
        limit: the most monitors on a page.
    """

    filters: Filters = field(default_factory=Filters)
    page: int = 1
    limit: int = DEFAULT_LIMIT

    @property
    def offset(self) -> int:
        """How many monitors are on the pages before."""
        return (self.page - 1) * self.limit

    def at_page(self, page: int) -> "ListQuery":
        """Return the query of another page."""
        return replace(self, page=page)

    def with_states(self, states: Iterable[State]) -> "ListQuery":
        """Return the query of other states, from their first page on."""
        return replace(self, filters=replace(self.filters, states=frozenset(states)), page=1)

    def with_label(self, name: str, value: str) -> "ListQuery":
        """Return the query that also asks for a label, from its first page on."""
        labels = self.filters.labels | {(name, value)}
        return replace(self, filters=replace(self.filters, labels=labels), page=1)

    def without_labels(self) -> "ListQuery":
        """Return the query that asks for no label."""
        return replace(self, filters=replace(self.filters, labels=frozenset()), page=1)

    def encoded(self) -> str:
        """Return the query as it stands in a URL after the question mark; empty for the default."""
        filters = self.filters
        pairs = [
            *(("state", state) for state in State if state in filters.states),
            *(("namespace", one) for one in sorted(filters.namespaces)),
            *(("name", one) for one in sorted(filters.names)),
            *(("label", f"{name}={value}") for name, value in sorted(filters.labels)),
        ]
        pairs += [("search", filters.search)] if filters.search else []
        pairs += [("limit", str(self.limit))] if self.limit != DEFAULT_LIMIT else []
        pairs += [("page", str(self.page))] if self.page != 1 else []
        return urlencode(pairs)


def parse_query(query: str, *, strict: bool, names: Sequence[str] = NAMES) -> ListQuery:
    """Return the query of a list. An empty value, as a form sends it, filters nothing.

    Args:
        query: everything after the question mark.
        strict: False: parameters of other names are ignored, as for links from elsewhere.
        names: the parameters that the route has.

    Raises:
        QueryInvalid: a parameter has no valid value, is given twice, or has another name.
    """
    values: dict[str, list[str]] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        values.setdefault(name, []).append(value)
    unknown = sorted(values.keys() - set(names))
    if strict and unknown:
        raise QueryInvalid(f"query: expected only {', '.join(names)}, got another parameter")
    return ListQuery(
        filters=Filters(
            states=frozenset(map(_state, _given(values, "state"))),
            namespaces=frozenset(_given(values, "namespace")),
            names=frozenset(_given(values, "name")),
            labels=frozenset(map(_label, _given(values, "label"))),
            search=_only(values, "search").strip(),
        ),
        page=_number(values, "page", 1, MAX_PAGE),
        limit=_number(values, "limit", DEFAULT_LIMIT, MAX_LIMIT),
    )


def _given(values: dict[str, list[str]], name: str) -> list[str]:
    return [value for value in values.get(name, ()) if value]


def _only(values: dict[str, list[str]], name: str) -> str:
    given = _given(values, name)
    if len(given) > 1:
        raise QueryInvalid(f"{name}: expected at most one value, got {len(given)}")
    return given[0] if given else ""


def _state(text: str) -> State:
    try:
        return State(text)
    except ValueError:
        raise QueryInvalid(
            f"state: expected one of {', '.join(State)}, got another value"
        ) from None


def _label(text: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not separator or not name:
        raise QueryInvalid("label: expected NAME=VALUE, got another form")
    return name, value


def _number(values: dict[str, list[str]], name: str, default: int, maximum: int) -> int:
    text = _only(values, name)
    if not text:
        return default
    digits = text.isascii() and text.isdecimal() and len(text) <= len(str(maximum))
    if not digits or not 1 <= int(text) <= maximum:
        raise QueryInvalid(
            f"{name}: expected a whole number from 1 to {maximum}, got another value"
        )
    return int(text)
