"""The console that commands print to, and text that is safe there: a recording may be somebody else's."""

from __future__ import annotations

import codecs
import errno
import os
import re
import select
import sys
import time
from typing import Final

from rich.console import Console
from rich.text import Text

# Control characters, half characters, and what turns the direction of writing.
_UNSAFE: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")

CELL_CHARACTERS: Final = 500
"""A longer value is cut in a table; `--json` has all of it."""


def console() -> Console:
    """Return a console for standard output; a pipe or a file is not wrapped at 80 columns."""
    found = Console(highlight=False, markup=False)
    return found if found.is_terminal else Console(highlight=False, markup=False, width=240)


def plain(text: str, *, keep: str = "") -> str:
    """Return a text in which nothing moves a terminal's cursor or turns the direction of writing.

    Args:
        text: Any text.
        keep: Control characters that stay, as the ends of lines.
    """
    return _UNSAFE.sub(lambda found: found[0] if found[0] in keep else _escaped(found[0]), text)


def cell(value: object) -> Text:
    """Return a value for a table, empty for None."""
    text = plain("" if value is None else str(value))
    return Text(text if len(text) <= CELL_CHARACTERS else f"{text[: CELL_CHARACTERS - 1]}…")


def escape_unencodable(error: UnicodeError) -> tuple[str, int]:
    """Return, as a handler of encoding errors, what stands for characters that an output cannot have.

    They are the four-digit escapes of JSON, so that JSON that is printed is still JSON.

    Raises:
        UnicodeError: Something is decoded, and not encoded.
    """
    if not isinstance(error, UnicodeEncodeError):
        raise error
    units = error.object[error.start : error.end].encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4)), error.end


ESCAPING: Final = "otelstream.escape"
"""The name of that handler."""
codecs.register_error(ESCAPING, escape_unencodable)


def wait_for_reader(seconds: float) -> None:
    """Wait, but no longer than somebody reads standard output.

    Raises:
        BrokenPipeError: Nobody does any more, as `head` has what it wants.
    """
    milliseconds = int(seconds * 1_000)
    try:
        reader = select.poll()
        reader.register(sys.stdout.fileno(), 0)
        is_gone = bool(reader.poll(milliseconds))
    except (AttributeError, OSError, ValueError):  # Windows; or no file: a test's standard output
        time.sleep(seconds)
        return
    if is_gone:
        raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))
    if not milliseconds:
        time.sleep(seconds)


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode()
