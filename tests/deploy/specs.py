"""Valid and invalid specs of push monitors."""

import re
from typing import Any

from hypothesis import strategies as st

Spec = dict[str, Any]

# Numbers at the bounds and beside them, and values that are no whole numbers.
_SECONDS: st.SearchStrategy[Any] = st.one_of(
    st.integers(-2, 2),
    st.integers(315_359_999, 315_360_001),
    st.integers(1, 100_000),
    st.sampled_from([2**63, -(2**63) - 1, 300.0, 0.5, True, "300", None, [], {}]),
)

# The API server refuses 300.0 in fields with a rule, and accepts it as 300 in others.
_WHOLE_SECONDS = _SECONDS.filter(lambda value: not isinstance(value, float) or value != 300)


def _mostly(good: st.SearchStrategy[Any], *bad: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(good, good, good, *bad)


_NOT_TEXT: st.SearchStrategy[Any] = st.sampled_from([None, 7, True, [], {}, ["a"]])
_NAME_LIKE = st.text(alphabet="ab0-._AÄ\n ", max_size=6)
_LONG = st.sampled_from([253, 254, 63, 64]).map(lambda length: "a" * length)

_NAMES = _mostly(
    st.from_regex(r"[a-z0-9]([-a-z0-9]{0,4}[a-z0-9])?", fullmatch=True),
    _NAME_LIKE,
    _LONG,
    st.sampled_from(["a.b", "a..b", ".a", "a.", "-a", "a-", "", "a\n"]),
    _NOT_TEXT,
)
_KEYS = _mostly(st.from_regex(r"[-._a-zA-Z0-9]{1,5}", fullmatch=True), _NAME_LIKE, _LONG, _NOT_TEXT)

_HOSTS = st.one_of(
    st.sampled_from(
        [
            "alertmanager",
            "a.b.c",
            "A.B.",
            "a_b",
            "10.0.0.1",
            "a..b",
            "-a",
            "a-",
            "",
            ".",
            "ä",
            "a b",
        ]
    ),
    st.sampled_from([63, 64]).map(lambda length: f"x.{'a' * length}.y"),
    st.ip_addresses(v=6).map(lambda address: f"[{address}]"),
    st.ip_addresses(v=6).map(lambda address: f"[{address.exploded}]"),
    # Addresses, and texts like addresses: too many digits, too many groups, two gaps.
    st.lists(
        st.sampled_from(
            ["", "", "0", "1", "fFfF", "12345", "g", "1.2.3.4", "256.1.1.1", "1.2.3.04"]
        ),
        max_size=10,
    ).map(lambda groups: f"[{':'.join(groups)}]"),
    st.tuples(
        st.lists(st.sampled_from(["1", "ab"]), max_size=7),
        st.lists(st.sampled_from(["2", "cd", "9.8.7.6"]), max_size=7),
    ).map(lambda sides: f"[{':'.join(sides[0])}::{':'.join(sides[1])}]"),
    st.text(alphabet="0/?#[]@%: \\ab~!", max_size=4).map(lambda zone: f"[fe80::1%{zone}]"),
)
_PORTS = st.sampled_from(
    [
        "",
        ":",
        ":1",
        ":0",
        ":00",
        ":080",
        ":65535",
        ":65536",
        ":99999",
        ":065535",
        ":-1",
        ":a",
        ":9\n",
    ]
)
_SCHEMES = st.sampled_from(
    ["http://", "https://", "HTTPS://", "ftp://", "http:/", "//", "", " http://"]
)
_PATHS = st.one_of(
    st.just(""),
    st.text(alphabet="a/?#@:[]%\\ \t\n\x7f\xa0\xad\u2028\ufeffäé漢\U0001f600", max_size=5).map(
        lambda text: f"/{text}"
    ),
    st.characters(exclude_categories=("Cs", "Cn")).map(lambda character: f"/{character}"),
    st.sampled_from(["/" + "a" * 2034, "/" + "a" * 2035]),  # http://host and the rest
)
_CREDENTIALS = st.sampled_from(["", "", "", "user@", "user:password@", "@"])


def _is_judged_alike(url: str) -> bool:
    """Whether every Python reads a URL alike, without Unicode in its host.

    Until 3.11.12, 3.12.9 and 3.13.2 urlsplit ignores text beside the brackets of an address
    (CVE-2025-0938). A name like "K" (U+212A) is lowered to a valid one, and a zone may contain
    letters of any script. The definition accepts none of these.
    """
    authority = re.split("[/?#]", url.partition("//")[2])[0]
    beside_brackets = "[" in authority and not re.fullmatch(
        r"\[[^\[\]]*\](:.*)?", authority, re.DOTALL
    )
    return not beside_brackets and (authority.isascii() or authority.isalpha())


def _url(parts: tuple[str, ...]) -> str:
    return "".join(parts)


URLS = _mostly(
    st.tuples(st.sampled_from(["http://", "https://"]), _HOSTS, st.sampled_from(["", ":9093"]))
    .map(_url)
    .filter(_is_judged_alike),
    st.tuples(_SCHEMES, _CREDENTIALS, _HOSTS, _PORTS, _PATHS).map(_url).filter(_is_judged_alike),
    st.tuples(st.just("http://"), st.just("host"), _PATHS).map(_url),
    _NOT_TEXT,
)

# Links may have a query and a fragment, and are visible ASCII.
LINKS = _mostly(
    st.sampled_from(["https://wiki.example.com/a?b=c#d", "HTTP://a", "http://[::1]:1/x"]),
    st.sampled_from(
        [
            "",
            "ftp://a",
            "http://",
            "http:///x",
            "https://me@a",
            "https://a b",
            "https://ä",
            "//a",
            "https://a\n",
            "https://" + "a" * 2048,
        ]
    ),
    _NOT_TEXT,
)

_LABEL_NAMES = _mostly(
    st.sampled_from(["severity", "team", "_a", "A1"]),
    st.sampled_from(
        ["alertname", "namespace", "monitor", "instance", "job", "alertstate", "__a", "__", "a-b"]
    ),
    st.text(alphabet="a_9-Ä.\n", max_size=4),
)
_LABEL_VALUES = _mostly(
    st.sampled_from(["critical", "ä", " ", "\n"]),
    st.sampled_from(["", "a" * 1024, "a" * 1025, "ä" * 512, "ä" * 513, "\U0001f600" * 257]),
    st.text(max_size=3),
    st.sampled_from([None, 1, True, {}]),
)
_LABELS = _mostly(
    st.dictionaries(_LABEL_NAMES, _LABEL_VALUES, max_size=3),
    st.sampled_from([64, 65]).map(lambda count: {f"l{number}": "x" for number in range(count)}),
    st.sampled_from([None, [], "a", 1]),
)


def _secret_refs(namespace: str) -> st.SearchStrategy[Any]:
    # Only the exporter refuses another namespace: rules cannot see the namespace of the object.
    own = st.sampled_from([namespace, None, "Not.A.Namespace", "a" * 64, 1])
    return _mostly(
        st.fixed_dictionaries({"name": _NAMES, "key": _KEYS}, optional={"namespace": own}),
        st.fixed_dictionaries({}, optional={"name": _NAMES, "key": _KEYS, "other": st.just(1)}),
        st.sampled_from([None, [], "a"]),
    )


def _pushes(namespace: str) -> st.SearchStrategy[Any]:
    refs = _secret_refs(namespace)
    tokens = _mostly(st.fixed_dictionaries({"secretRef": refs}), st.sampled_from([None, {}, []]))
    names = ("expireSeconds", "gracePeriodSeconds", "maxRuntimeSeconds")
    times = dict.fromkeys(names, _SECONDS)
    return _mostly(
        st.fixed_dictionaries(
            {"tokenSecretRef": st.just({"name": "a", "key": "b"})}, optional={**times}
        ),
        st.fixed_dictionaries({"tokenSecretRef": refs}, optional={"token": tokens}),
        st.fixed_dictionaries(
            {}, optional={"tokenSecretRef": refs, "token": tokens, "unknown": st.just(1), **times}
        ),
        st.sampled_from([None, [], 1]),
    )


# Only mistakes that the definition knows, too: it counts fields, and knows no dates and no zones.
_EXPRESSIONS = _mostly(
    st.sampled_from(["30 2 * * 1-5", "*/5 * * * *", " 0\t2 *  * mon ", "@Daily", "0 0 ? * 5L"]),
    st.sampled_from(
        ["", " ", "* * * *", "0 0 2 * * *", "TZ=UTC 0 2 * * *", "@every 5m", "0 2 * * 1+2"]
    ),
    st.just("0 " * 128 + "0"),
    _NOT_TEXT,
)
_ZONES = _mostly(
    st.sampled_from(["UTC", "Europe/Berlin", "Etc/GMT+5", "America/Port-au-Prince"]),
    st.sampled_from(["", " ", "UTC ", "Europe/Zürich", "a" * 65, "+5:00"]),
    _NOT_TEXT,
)


def specs(namespace: str) -> st.SearchStrategy[Spec]:
    """Specs of Monitors of type push in a namespace; about half of them are valid."""
    alertings = _mostly(
        st.fixed_dictionaries(
            {},
            optional={
                "labels": _LABELS,
                "alertmanagerUrl": URLS,
                "description": st.text(max_size=8) | st.just("x" * 1025),
                "runbookUrl": LINKS,
            },
        ),
        st.sampled_from([None, [], "a"]),
    )
    schedules = _mostly(
        st.fixed_dictionaries(
            {},
            optional={
                "intervalSeconds": _WHOLE_SECONDS,
                "cron": _EXPRESSIONS,
                "timeZone": _ZONES,
            },
        ),
        st.sampled_from([None, [], 1]),
    )
    fine = {"push": {"tokenSecretRef": {"name": "a", "key": "b"}}}
    targets = st.one_of(
        st.just(fine),
        st.fixed_dictionaries({"push": _pushes(namespace)}),
        st.sampled_from([None, {}, [], {"http": {"url": "http://a"}}]),
    )
    more = {
        "enabled": st.sampled_from([True, False, None, "yes", 1]),
        "schedule": schedules,
        "alerting": alertings,
        "alertmanagerUrl": URLS,
        "unknown": st.just({"deep": [1, None]}),
    }
    varied = [st.fixed_dictionaries({name: strategy}) for name, strategy in more.items()]
    whole = st.fixed_dictionaries({"target": targets}, optional=more)
    # Mostly one mistake in a spec, since a second one would hide the verdict.
    one_thing = st.one_of(*varied).map(lambda varied: {"target": fine, **varied})
    push = st.fixed_dictionaries({"target": st.fixed_dictionaries({"push": _pushes(namespace)})})
    nothing: st.SearchStrategy[Spec] = st.just({})
    return st.one_of(one_thing, one_thing, push, whole, nothing).map(
        lambda spec: {"type": "push", **spec}
    )
