"""URLs: which are valid for an Alertmanager or a link, and the one spelling of a base URL."""

import re
from ipaddress import IPv6Address
from urllib.parse import urlsplit

# prometheus/alertmanager, api/v2: the path that alerts are posted to, below the base URL.
API_PATH = "/api/v2/alerts"

# Browsers and proxies read at least 2,048 characters; a longer URL is almost surely a mistake.
MAX_URL_CHARS = 2048

_EXPECTED = f"expected an http or https URL with a host, of at most {MAX_URL_CHARS} characters"

# RFC 1123, and also `_`, which some names in use have. Other names make the lookup of addresses
# fail in the codec for international names, or are read as another host by another program.
_HOST_LABEL = r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?"
_HOST_NAME = re.compile(rf"({_HOST_LABEL}\.)*{_HOST_LABEL}\.?")

# The authorities that urlsplit is given to split. Some versions accept more: brackets around
# something else than an IPv6 address, and letters that lower() turns into ASCII letters.
_AUTHORITY = re.compile(r"(\[[\x21-\x5c\x5e-\x7e]+\]|[\x21-\x5a\x5c\x5e-\x7e]*?)(:\d*)?")


# A link for people: a scheme, an authority without credentials, and any path, query and fragment.
# The schema of the CustomResourceDefinition has the same pattern.
_LINK = re.compile(r'[Hh][Tt][Tt][Pp][Ss]?://[!-"$-.0->A-~]+([/?#][!-~]*)?')


def url_problem(url: str) -> str | None:
    """Return the problem with the URL of an Alertmanager; None if it is valid.

    The text never contains any part of the URL, which may hold a password.
    """
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        if not _AUTHORITY.fullmatch(parts.netloc.rpartition("@")[2]):
            return _EXPECTED
        if not _HOST_NAME.fullmatch(host):
            IPv6Address(host)
        reachable = parts.scheme in {"http", "https"} and parts.port != 0
    except ValueError:  # a port that is not a number, or a host that is neither name nor address
        return _EXPECTED
    if not reachable or len(url) > MAX_URL_CHARS or not url.isprintable() or " " in url:
        return _EXPECTED
    if "@" in parts.netloc or "?" in url or "#" in url:
        return f"{_EXPECTED}, without user, password, query or fragment"
    return None


def link_problem(url: str) -> str | None:
    """Return the problem with a link for people, such as a runbook; None if it is valid."""
    if len(url) <= MAX_URL_CHARS and _LINK.fullmatch(url):
        return None
    return (
        f"expected an http or https URL with a host, of at most {MAX_URL_CHARS} visible ASCII "
        "characters, without user and password"
    )


def base_url(url: str) -> str:
    """Return the base URL of an Alertmanager, also of a URL that contains its API's path.

    Alertmanager 0.27 removed the first version of the API; its paths mean the second version.
    """
    for path in (API_PATH, "/api/v1/alerts", "/api/v2", "/api/v1"):
        url = url.rstrip("/").removesuffix(path)
    parts = urlsplit(url.rstrip("/"))
    return parts._replace(netloc=parts.netloc.lower()).geturl()  # one host has one spelling


def without_credentials(text: str) -> str:
    """Return a text that may be a URL, without the user, password and query of that URL."""
    before, at, after = text.rpartition("@")
    scheme, separator, rest = text.partition("://")
    if separator and "?" in rest:  # a query may hold a password, and a password may hold ? and @
        return f"{scheme}://…" if at else f"{text.partition('?')[0]}?…"
    return f"…@{after}" if at and before else text
