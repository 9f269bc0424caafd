"""Rows of a session to its frames, also where rows between them are missing."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from typing import Final, TypeAlias

from otelstream.errors import FrameError
from otelstream.frame import StreamFrame
from recorder.rows import ContextRow, FrameRow, Shared, build_frame, frame_of, shared_of

Older: TypeAlias = Callable[[list[int]], Iterable[ContextRow]]
"""Gives contexts of earlier commits, by their numbers, as far as they are there."""

_UNKNOWN: Final = shared_of(ContextRow(0, 0, "", [], None, None))
"""What is known of a context that is missing; a frame that is kept whole needs no more."""
_REMEMBERED: Final = 1_000
"""Contexts that are kept between commits. A frame may share any that came before it, however long ago."""


class FrameDecoder:
    """Makes the frames of one session, in their order, with the contexts of one commit in memory, and a few.

    Args:
        older: Gives contexts that are not in memory any more.
    """

    def __init__(self, older: Older) -> None:
        self._older = older
        self._contexts: OrderedDict[int, Shared] = OrderedDict()
        self._without_data: dict[int, Shared] = {}
        self._ordinal = -1
        self._id: str | None = None

    def add_without_data(self, contexts: Iterable[ContextRow]) -> None:
        """Take contexts of which the data is lost: no token frame can be made with them."""
        self._without_data.update((row.context, shared_of(row)) for row in contexts)

    def take(self, contexts: Iterable[ContextRow], frames: Sequence[FrameRow]) -> None:
        """Take the contexts of a commit, and look for those that its frames share with earlier ones."""
        for row in contexts:
            self._contexts[row.context] = shared_of(row)
        wanted = {row.context for row in frames}
        for number in wanted & self._contexts.keys():
            self._contexts.move_to_end(number)
        missing = wanted - self._contexts.keys()
        if missing:
            for row in self._older(sorted(missing)):
                self._contexts[row.context] = shared_of(row)
        while len(self._contexts) > max(_REMEMBERED, len(wanted)):
            self._contexts.popitem(last=False)

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
        try:
            return frame_of(row, self._context(row) or _UNKNOWN, before, build_frame)
        except (FrameError, ValueError) as error:
            raise FrameError(str(error)) from None

    def _problem(self, row: FrameRow, last: int) -> str | None:
        context = self._context(row)
        if context is None or context.namespace is None:
            return f"its context {row.context} is missing"
        if row.chunk is not None and row.context not in self._contexts:
            return f"the data of its context {row.context} is missing"
        if None in (row.timestamp, row.type, row.id):
            return "its time, type or id is missing"
        if row.previous_id is None and row.ordinal and last != row.ordinal - 1:
            return "it refers to the frame before it, which is missing"
        return None

    def _context(self, row: FrameRow) -> Shared | None:
        return self._contexts.get(row.context) or self._without_data.get(row.context)
