"""Each provider's keys are known by their shape, and prose that begins like one is not."""

from __future__ import annotations

import pytest

from otelstream.redact import Redactor
from otelstream.redact.shapes import LONG, SHAPES, SIGNS
from otelstream.redact.tails import doubt_of

REDACTOR = Redactor()
DRAWN = "AbCdEf0123456789GhIjKl"
HEX = "0123456789abcdef" * 4

KEYS = [
    f"ya29.{DRAWN}", f"GOCSPX-{DRAWN}", f"xapp-1-A0{DRAWN}", f"whsec_{DRAWN}", f"SG.{DRAWN}.{DRAWN}",
    f"pypi-AgEI{DRAWN}", f"dop_v1_{HEX}", f"dapi{HEX[:32]}", f"123456789:AA{DRAWN}{DRAWN}", f"ntn_{DRAWN}",
    f"secret_{DRAWN}{DRAWN}", f"r8_{DRAWN}", f"hvs.{DRAWN}", f"abc8Q~{DRAWN}{DRAWN}", f"sbp_{HEX[:40]}",
    f"AGE-SECRET-KEY-1{DRAWN.upper()}{DRAWN.upper()}", f"lin_api_{DRAWN}", f"shpat_{HEX[:32]}", f"fw_{DRAWN}",
    f"pat{DRAWN[:14]}.{HEX}", f"hooks.slack.com/services/T0/B0/{DRAWN}", f"discord.com/api/webhooks/{DRAWN}",
]  # fmt: skip


@pytest.mark.parametrize("key", KEYS)
def test_a_key_is_known_by_its_shape(key: str) -> None:
    """In prose, and behind an escaped line break."""
    assert REDACTOR.redact_text(f"use {key}, or\\n{key} now") == "use REDACTED, or\\nREDACTED now"


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("Basic dXNlcjpodW50ZXIy", "Basic REDACTED"),
        ("postgres://u:a/b#c@h/db", "postgres://u:REDACTED@h/db"),
        ("postgres://u:a@h/db?x=a@b", "postgres://u:REDACTED@h/db?x=a@b"),
        (f"https://{DRAWN}@github.com/x", "https://REDACTED@github.com/x"),
        ("curl --user ada:hunter2x https://h", "curl --user ada:REDACTED https://h"),
        ("curl --proxy-user 'ada:hunter2x' https://h", "curl --proxy-user 'ada:REDACTED' https://h"),
    ],
)
def test_a_secret_is_known_by_what_is_around_it(text: str, masked: str) -> None:
    """In a header, in a URL, in a command."""
    assert REDACTOR.redact_text(text) == masked


@pytest.mark.parametrize("key", KEYS)
def test_what_may_become_a_key_is_in_doubt(key: str) -> None:
    """Any beginning of a key that is long enough to tell must not be shown."""
    shortest = len(key) - 12
    beginnings = [f"see {key[:length]}" for length in range(shortest, len(key))]
    assert [text for text in beginnings if doubt_of(REDACTOR, text, [], over=False).unsafe == len(text)] == []


@pytest.mark.parametrize("word", ["pattern", "secretary", "secret_key", "fw_update", "basic Introduction"])
def test_a_word_that_begins_like_a_key_is_not_in_doubt(word: str) -> None:
    """Or it would be held back, and masked if nothing followed soon."""
    text = f"the {word}"
    assert doubt_of(REDACTOR, text, [], over=False).unsafe == len(text)


@pytest.mark.parametrize("key", KEYS)
def test_the_keys_of_signed_rules_are_long_and_have_their_sign(key: str) -> None:
    """Rules that are not asked about short texts, or about texts without a sign, miss nothing by that."""
    matches = [
        (found[0], rule.sign)
        for rule in SHAPES
        if rule.sign is not None and (found := rule.pattern.search(key))
    ]
    assert all(len(text) >= LONG and sign in ("", *SIGNS) and sign in text for text, sign in matches)
