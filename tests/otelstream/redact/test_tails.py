"""Which end of a text is in doubt, and that it takes no longer than the text is long."""

from __future__ import annotations

import time

import pytest

from otelstream.redact import Redactor
from otelstream.redact.tails import Doubt, doubt_of, masked_spans

REDACTOR = Redactor(values=["correct-horse-77-battery"])


def doubt(text: str, *, over: bool = False) -> Doubt:
    """Return what is in doubt of a text."""
    return doubt_of(REDACTOR, text, masked_spans(text, REDACTOR.counting().mask(text)), over=over)


@pytest.mark.parametrize(
    ("text", "end"),
    [
        ("see ", "s"), ("see ", "sk-abc"), ("see ", "eyJhb.c"), ("see ", "-----BEG"), ("see ", "ghp_ab"),
        ("see ", "-----BEGIN PRIVATE KEY-----\nProc-Type: 4,ENC"), ("see ", "correct-ho"), ("Bearer ", "ab"),
        ("http://u:", "pw"), ("curl -u u:", "pw"), ("password = ", "getpass"), ("x = token = ", "await ge"),
        ("api_key = ", "os.environ['KEY'"), ('"api_key": "', "some words"), ("credentials={'a': '", "b', 'c"),
        ("the token: ", "hel"), ("see -----BEGIN PRIVATE KEY----- and then", ""), ("an answer.", ""),
        ("password = getpass.getpass()", ""), ("see sk-learn ", ""), ("password: 'a b'", ""),
    ],
)  # fmt: skip
def test_what_may_change_with_more_text_is_in_doubt(text: str, end: str) -> None:
    """What may become a secret, what may become code, and nothing else."""
    assert doubt(text + end).since == len(text)


@pytest.mark.parametrize(
    "text", ["see sk-learn", "http://localhost:11434", "token: patience", "the bearer of"]
)
def test_a_word_at_the_end_of_a_call_is_a_word(text: str) -> None:
    """When nothing more comes, what would be no secret in the whole text is shown."""
    assert doubt(text, over=True).unsafe == len(text)


@pytest.mark.parametrize(
    ("text", "end"), [("see ", "sk-a8Kd93jF"), ("see ", "correct-horse"), ('"password": "', "correct horse")]
)
def test_half_a_secret_at_the_end_of_a_call_is_hidden(text: str, end: str) -> None:
    """A call that is cut leaves no half of a key."""
    assert doubt(text + end, over=True).unsafe == len(text)


@pytest.mark.parametrize(
    "unit",
    [
        "eyJ", "eyJa.", "-sk-", "sk--", "sk-a ", "bearer a ", "://a:a", "?key=", " -u a:", "password=",
        "-----BEGIN PRIVATE KEY-----", "-----BEGIN PRIVATE KEY-----\nab-c ", "'password':", "password=[",
        "github_pat_a-", "correct-",
    ],
)  # fmt: skip
@pytest.mark.parametrize("end", ["", " !"])
def test_a_long_text_takes_time_in_proportion(unit: str, end: str) -> None:
    """Four times the text takes far less than the sixteen times of something quadratic."""
    short, long = (_seconds(unit * (size // len(unit)) + end) for size in (20_000, 80_000))
    assert long < 10 * short + 0.05


def _seconds(text: str) -> float:
    spans = masked_spans(text, REDACTOR.counting().mask(text))
    began = time.thread_time()
    doubt_of(REDACTOR, text, spans, over=False)
    return time.thread_time() - began
