"""The first complete list of a collection, which others wait for."""

import asyncio
from collections.abc import Callable
from http import HTTPStatus

from yuptime_exporter.kubernetes.errors import ApiError, ApiStatusError


class FirstList:
    """Whether a collection was listed since the start.

    Attributes:
        complete: set once a list was complete.
        answered: set once a list was complete or forbidden: a permission may never come.
    """

    def __init__(self) -> None:
        self.complete, self.answered = asyncio.Event(), asyncio.Event()
        self._on_complete: list[Callable[[], None]] = []

    @property
    def forbidden(self) -> bool:
        """Whether the API server refused to list, and there was no list since the start."""
        return self.answered.is_set() and not self.complete.is_set()

    def then(self, call: Callable[[], None]) -> None:
        """Call this when the first list is complete."""
        self._on_complete.append(call)

    def succeeded(self) -> None:
        """Note a complete list."""
        if self.complete.is_set():
            return
        self.complete.set()
        self.answered.set()
        for call in self._on_complete:
            call()

    def failed(self, error: ApiError) -> None:
        """Note an attempt that failed."""
        if isinstance(error, ApiStatusError) and error.status == HTTPStatus.FORBIDDEN:
            self.answered.set()
