"""Private keys in PEM form at the end of a text: whether what comes next may still belong to one."""

from __future__ import annotations

import re
from typing import Final

from otelstream.redact.pairs import Span

_SIGN: Final = "-----BEGIN"
_BEGIN: Final = re.compile(r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----")
_END: Final = "-----END"
_UNFINISHED_BEGIN: Final = re.compile(
    r"(?<!-)-{1,5}\Z|-----(?:B|BE|BEG|BEGI|BEGIN|BEGIN [A-Z0-9 ]{0,60}-{0,4})\Z"
)
_UNFINISHED_END: Final = re.compile(r"[A-Z0-9 ]{0,41}-{0,4}\Z")
_END_BEGINS: Final = re.compile(r"-{1,5}(?:E|EN)?\Z")
_LINE_BREAK: Final = re.compile(r"(?:\\+[nr]|[\r\n])+")
_HEADER: Final = re.compile(r"[\s\"']*[A-Za-z][\w-]{1,40}: ")
# One word, or several that are too long for words; quotes and signs around them are those of code.
_KEY_LINE: Final = re.compile(r"[^\w+/=-]*(?:[\w+/=-]{16,}[^\w+/=-]+)*[\w+/=-]*[^\w+/=-]*")
_REACH: Final = 80
"""How far from the end of a text a line that begins a key may begin without being complete."""


def open_key(text: str) -> Span | None:
    """Return where a key begins that may go on beyond the text's end, and where its first line ends."""
    at = text.rfind(_SIGN)
    begin = _BEGIN.match(text, at) if at >= 0 else None
    if begin is None or not _may_be_key(text[begin.end() :]):
        return None
    return begin.span()


def unfinished_line(text: str) -> int:
    """Return where what may become the first line of a key begins; the text's length if there is none."""
    begins = _UNFINISHED_BEGIN.search(text, max(0, len(text) - _REACH))
    return len(text) if begins is None else begins.start()


def _may_be_key(body: str) -> bool:
    """Tell whether a text may be a key but for its first line, so far: prose about keys is none."""
    lines, sign, end = body.partition(_END)
    if sign and not _UNFINISHED_END.match(end):
        return False
    lines = lines if sign else _END_BEGINS.sub("", lines)
    return all(_KEY_LINE.fullmatch(line) or _HEADER.match(line) for line in _LINE_BREAK.split(lines))
