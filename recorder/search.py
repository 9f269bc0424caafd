"""The first frame of a session that meets a condition: asked of a database, or looked for frame by frame."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

from otelstream.frame import FrameLike
from recorder.batches import Batch
from recorder.rows import utf8
from recorder.session_row import RecordedSession

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

Field = Literal["id", "type", "channel", "offset_ns", "timestamp"]
Comparison = Literal["=", ">=", ">"]

_OPERATORS: Final[dict[Comparison, Callable[[Any, Any], bool]]] = {
    "=": operator.eq,
    ">=": operator.ge,
    ">": operator.gt,
}
_COLUMNS: Final[dict[Field, str]] = {
    "id": "coalesce(id_text, id::VARCHAR)",
    "channel": "(SELECT c.channel FROM contexts AS c WHERE (c.session, c.context) = (f.session, f.context))",
}
_FIRST: Final = """
SELECT min(ordinal) FROM stored_frames AS f
WHERE session = ? AND ordinal >= ? AND ordinal < ? AND {column} {comparison} ?
"""


class Condition(NamedTuple):
    """What a frame is looked for by.

    Attributes:
        field: `id`, `type`, `channel` or `timestamp` of the envelope, or `offset_ns`: when it arrived.
        comparison: How the field compares to the value.
        value: Text, nanoseconds after the session's start, or a moment; a naive one is UTC.
    """

    field: Field
    comparison: Comparison
    value: str | int | datetime

    def holds(self, offset_ns: int, frame: FrameLike) -> bool:
        """Tell whether a frame that arrived so many nanoseconds after the session's start is meant."""
        found = offset_ns if self.field == "offset_ns" else getattr(frame, self.field)
        return _OPERATORS[self.comparison](_stored(found), _stored(self.value))


def first_stored(
    connection: DuckDBPyConnection, session: RecordedSession, condition: Condition, first: int
) -> int | None:
    """Return the ordinal of the first frame from `first` on that a database holds and that is meant, or None.

    Raises:
        duckdb.Error: The file is damaged.
    """
    column = _COLUMNS.get(condition.field, condition.field)
    query = _FIRST.format(column=column, comparison=condition.comparison)
    asked = [session.number, first, session.frame_count, _stored(condition.value)]
    (found,) = connection.execute(query, asked).fetchone() or (None,)
    return found if isinstance(found, int) else None


def first_read(batches: Iterable[Batch], condition: Condition) -> int | None:
    """Return the ordinal of the first frame of these batches that is meant, or None."""
    for batch in batches:
        for place, (offset_ns, frame) in enumerate(zip(batch.offsets_ns, batch.frames, strict=True)):
            if condition.holds(offset_ns, frame):
                return batch.first + place
    return None


def _stored(value: object) -> object:
    """Return a value as the columns of a database have it."""
    if isinstance(value, str):
        return utf8(value)
    if not isinstance(value, datetime) or value.tzinfo is None:
        return value
    try:
        return value.astimezone(timezone.utc).replace(tzinfo=None)
    except OverflowError:
        return value.replace(tzinfo=None)  # the first or last hours of the calendar, elsewhere than in UTC
