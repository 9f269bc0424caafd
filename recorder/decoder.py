"""Rows of a session to its frames, also where rows between them are missing."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from typing import Final

from otelstream.errors import FrameError
from otelstream.frame import StreamFrame
from recorder.encoder import REMEMBERED_CONTEXTS
from recorder.rows import ContextRow, FrameRow, frame_of

_REMEMBERED: Final = 2 * REMEMBERED_CONTEXTS + 1_000  # whoever encoded them remembered so many of each kind


class FrameDecoder:
    """Makes the frames of one session, in their order."""

    def __init__(self) -> None:
        self._contexts: OrderedDict[int, ContextRow] = OrderedDict()
        self._without_data: set[int] = set()
        self._ordinal = -1
        self._id: str | None = None

    def add(self, contexts: Iterable[ContextRow], *, without_data: bool = False) -> None:
        """Take contexts that later frames may share.

        Args:
            contexts: The contexts.
            without_data: Whether their data is lost, so that no token frame can be made with them.
        """
        for row in contexts:
            self._contexts[row.context] = row
            if without_data:
                self._without_data.add(row.context)
            else:
                self._without_data.discard(row.context)
        while len(self._contexts) > _REMEMBERED:
            number, _ = self._contexts.popitem(last=False)
            self._without_data.discard(number)

    def passed(self, ordinal: int, frame_id: str) -> None:
        """Take note of the id of a frame that cannot be made: the next one may refer to it."""
        self._ordinal, self._id = ordinal, frame_id

    def frame(self, row: FrameRow) -> StreamFrame:
        """Return the frame of a row.

        Raises:
            FrameError: It cannot be made of what is there; the text says why.
        """
        ordinal, before = self._ordinal, self._id
        self.passed(row.ordinal, row.id)
        problem = None if row.raw is not None else self._problem(row, ordinal)
        if problem is not None:
            raise FrameError(problem)
        context = self._contexts.get(row.context, ContextRow(row.session, row.context, "", [], None, None))
        try:
            return frame_of(row, context, before)
        except (FrameError, ValueError) as error:
            raise FrameError(str(error)) from None

    def _problem(self, row: FrameRow, last: int) -> str | None:
        context = self._contexts.get(row.context)
        if context is None or context.namespace is None:
            return f"its context {row.context} is missing"
        if row.chunk is not None and row.context in self._without_data:
            return f"the data of its context {row.context} is missing"
        if None in (row.timestamp, row.type, row.id):
            return "its time, type or id is missing"
        if row.previous_id is None and row.ordinal and last != row.ordinal - 1:
            return "it refers to the frame before it, which is missing"
        return None
