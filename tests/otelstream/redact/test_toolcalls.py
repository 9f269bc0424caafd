"""The texts of tool calls in token frames, whether they are repeated or come in pieces."""

from __future__ import annotations

from typing import Any

import pytest

from otelstream.redact import Redactor
from otelstream.redact.toolcalls import ToolCall

LITERAL = "iK2ZWeqhFWCEPyYngFb51yBMWXaSCrUZoL8gabcd"
TEXT = f'{{"note": "use {LITERAL} now"}}'


def shown(calls: list[Any]) -> list[Any]:
    """Return tool calls of one text, masked one after the other."""
    redactor, tool = Redactor(values=[LITERAL]), ToolCall()
    return [redactor.redact(tool.masked(redactor, call)) for call in calls]


@pytest.mark.parametrize("key", ["arguments", "input"])
def test_a_text_that_is_repeated_ends_as_it_would_whole(key: str) -> None:
    """Under any name: no frame shows six characters of the secret, and the last has all around it."""
    said = shown([{"name": "f", "x": {key: TEXT[:end]}} for end in range(1, len(TEXT) + 1)])
    texts = [call["x"][key] for call in said]
    assert (texts[-1], [text for text in texts if LITERAL[:6] in text]) == (
        '{"note": "use REDACTED now"}',
        [],
    )


def test_a_text_in_pieces_is_masked_as_one() -> None:
    """The pieces together have one placeholder, but for the few characters that come before it is clear."""
    said = shown([{"arguments": TEXT[at : at + 4]} for at in range(0, len(TEXT), 4)])
    text = "".join(call["arguments"] for call in said)
    assert (text.count("REDACTED"), LITERAL[:6] in text, LITERAL[-6:] in text) == (1, False, False)


def test_what_is_harmless_is_the_same_object() -> None:
    """A caller may compare by identity."""
    call = {"id": "t", "function": {"name": "f", "arguments": '{"city": "Oslo"'}}
    assert shown([call])[0] is call
