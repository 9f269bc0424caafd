"""The spans of a session as its recording has them, for copies that cannot make all of them anew."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from otelstream.jsontext import decode_json, encode_json
from otelstream.redact import Redactor
from otelstream.span.rules import RULES
from recorder.commits import Connect
from recorder.session_row import SpanRow

_BATCH: Final = 1_000
_TYPES: Final = "SELECT DISTINCT frame_type FROM stored_spans WHERE session = ? AND frame_type IS NOT NULL"
_ROWS: Final = f"""
SELECT rowid, {", ".join(SpanRow._fields)} FROM stored_spans WHERE session = ? AND rowid > ?
ORDER BY rowid LIMIT {_BATCH}
"""
_TEXTS: Final = ("name", "error_message", "model", "provider", "agent", "task", "tool")


class StoredSpans:
    """The rows of `stored_spans` of one session.

    Args:
        connect: Gives a connection to its file.
        number: Its number.
    """

    def __init__(self, connect: Connect, number: int) -> None:
        self._connect = connect
        self._number = number

    def are_of_own_types(self) -> bool:
        """Tell whether some were opened by frame types that somebody added to otelstream's table."""
        with self._connect() as connection:
            found = connection.execute(_TYPES, [self._number]).fetchall()
        return any(frame_type not in RULES for (frame_type,) in found)

    def rows(self, redactor: Redactor | None = None) -> Iterator[list[SpanRow]]:
        """Yield them in batches, in the order in which they ended, with their secrets masked."""
        last = -1
        while True:
            with self._connect() as connection:
                found = connection.execute(_ROWS, [self._number, last]).fetchall()
            if not found:
                return
            last = found[-1][0]
            rows = [SpanRow._make(row) for _, *row in found]
            yield rows if redactor is None else [_masked(row, redactor) for row in rows]


def _masked(row: SpanRow, redactor: Redactor) -> SpanRow:
    values: dict[str, Any] = row._asdict()
    for name in _TEXTS:
        if values[name] is not None:
            values[name] = redactor.redact_text(values[name])
    values["attributes"] = encode_json(redactor.redact(decode_json(row.attributes)))
    return SpanRow(**values)
