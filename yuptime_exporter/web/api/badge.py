"""The state of a monitor as a small picture, for a README or a wiki."""

from html import escape

from yuptime_exporter.core.model import State
from yuptime_exporter.web.api.board import Board
from yuptime_exporter.web.api.caching import with_entity_tag
from yuptime_exporter.web.api.monitors import requested_key, unknown_monitor
from yuptime_exporter.web.http import Answer, Request
from yuptime_exporter.web.router import Handler

_SVG = "image/svg+xml"

# White text on these has a contrast of at least 4.5 (WCAG 2, 1.4.3).
_COLOURS = {
    State.UP: "#12662f",
    State.LATE: "#8a5300",
    State.DOWN: "#b3121d",
    State.PENDING: "#46536a",
    State.PAUSED: "#5d6570",
}

# Widths in pixels of Verdana or DejaVu Sans at 11 px; `textLength` then fits every other font.
_CHAR_WIDTH, _PADDING = 6.8, 7
_MAX_LABEL_CHARS = 80

# A cache between here and the reader, such as that of a code forge, would show an old state.
_HEADERS = {"Content-Security-Policy": "default-src 'none'", "Expires": "0"}
_UNCACHED = "no-cache, max-age=0"

_TEMPLATE = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="20" role="img" aria-label="{label}: {state}">'
    "<title>{label}: {state}</title>"
    '<rect width="{width}" height="20" rx="3" fill="#333b45"/>'
    '<path d="M{split} 0h{right}a3 3 0 0 1 3 3v14a3 3 0 0 1 -3 3h-{right}z" fill="{colour}"/>'
    '<g fill="#fff" text-anchor="middle" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">'
    '<text x="{label_at}" y="14" textLength="{label_width}">{label}</text>'
    '<text x="{state_at}" y="14" textLength="{state_width}">{state}</text></g></svg>'
)


def badge_handler(board: Board) -> Handler:
    """Return the handler of `GET /api/v1/monitors/{namespace}/{name}/badge.svg`."""

    async def answer_badge(request: Request) -> Answer:
        key = requested_key(request)
        row = board.table.row(key)
        if row is None:
            return unknown_monitor()
        state = board.table.verdict(row, now_timestamp=board.clock()).state
        label = "".join(request.query_values("label")[:1]) or str(key)
        body = badge(label, state).encode()
        answer = Answer(body=body, content_type=_SVG, headers=_HEADERS)
        return with_entity_tag(request, answer, cache=_UNCACHED)

    return answer_badge


def badge(label: str, state: State) -> str:
    """Return the picture as SVG.

    Args:
        label: for the left half; characters that XML does not allow are left out.
        state: for the right half.
    """
    label = "".join(filter(str.isprintable, label))[:_MAX_LABEL_CHARS]
    label_width, state_width = round(len(label) * _CHAR_WIDTH), round(len(state) * _CHAR_WIDTH)
    split = label_width + 2 * _PADDING
    width = split + state_width + 2 * _PADDING
    return _TEMPLATE.format(
        width=width,
        split=split,
        right=width - split - 3,
        colour=_COLOURS[state],
        label=escape(label),
        state=state,
        label_at=split / 2,
        state_at=split + (width - split) / 2,
        label_width=label_width,
        state_width=state_width,
    )
