"""The texts of a tool call in token frames: each frame repeats them so far, or has the next piece of them."""

from __future__ import annotations

from typing import Final, TypeAlias

from otelstream.redact.calls import CallText
from otelstream.redact.pairs import PLACEHOLDER
from otelstream.redact.redactor import MAX_DEPTH, Json, Redactor
from otelstream.redact.tails import doubt_of, masked_spans

MOST_TEXTS: Final = 200
"""Texts of one tool call that are remembered; further ones are taken to repeat what came before."""

_Path: TypeAlias = tuple[object, ...]


class ToolCall:
    """What came of one tool call. Nothing of it is held back: what is in doubt is masked."""

    def __init__(self) -> None:
        self._texts: dict[_Path, _Growing] = {}

    def masked(self, redactor: Redactor, value: Json, path: _Path = ()) -> Json:
        """Return a frame's tool call, or a part of it, with the ends of its texts masked where in doubt.

        What is not at an end, and what a key tells, is left to the rules for single frames.
        """
        if isinstance(value, str):
            return self._text(redactor, value, path) if value else value
        if not isinstance(value, (dict, list)) or len(path) >= MAX_DEPTH:
            return value
        items = list(value.items() if isinstance(value, dict) else enumerate(value))
        masked = [(key, self.masked(redactor, item, (*path, key))) for key, item in items]
        if all(new is old for (_, new), (_, old) in zip(masked, items, strict=True)):
            return value
        return dict(masked) if isinstance(value, dict) else [item for _, item in masked]

    def _text(self, redactor: Redactor, text: str, path: _Path) -> str:
        growing = self._texts.get(path)
        if growing is None and len(self._texts) < MOST_TEXTS:
            growing = self._texts[path] = _Growing()
        return _certain(redactor, text) if growing is None else growing.masked(redactor, text)


class _Growing:
    """One text: it is repeated as long as it begins as it did before; else it comes in pieces."""

    def __init__(self) -> None:
        self._last = ""
        self._pieces: CallText | None = None

    def masked(self, redactor: Redactor, text: str) -> str:
        """Return the next frame's text, masked."""
        if self._pieces is None and text.startswith(self._last):
            self._last = text
            return _certain(redactor, text)
        if self._pieces is None:
            self._pieces = CallText()
            _next_piece(redactor.counting(), self._pieces, self._last)
            self._last = ""
        return _next_piece(redactor, self._pieces, text)


def _next_piece(redactor: Redactor, call: CallText, piece: str) -> str:
    call.put(piece)
    call.due = 1
    call.judge(redactor)
    masked = call.free.popleft()
    call.settle(redactor)
    return piece if masked == piece else masked


def _certain(redactor: Redactor, text: str) -> str:
    """Return a text that may grow with its end masked, if that may be half a secret."""
    doubt = doubt_of(redactor, text, masked_spans(text, redactor.counting().mask(text)), over=False)
    return text[: doubt.unsafe] + PLACEHOLDER if doubt.unsafe < len(text) else text
