"""The text of a call, however it is cut and whenever its pieces leave: as if it had been masked whole."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from otelstream.redact import PLACEHOLDER, Redactor
from otelstream.redact.calls import FORGOTTEN, LONGEST, CallText

DRAWN = "iK2ZWeqhFWCEPyYngFb51yBMWXaSCrUZoL8gabc7"
LITERAL = "vT5rQz81LmXw0sKd93jFbN2hYc6GpUaE"
LINES = "\n".join(DRAWN[number:] + DRAWN[:number] for number in range(5))
SECRETS = [
    f"sk-{DRAWN}", f"ghp_{DRAWN}", f"eyJ{DRAWN}.{DRAWN}.{DRAWN}", f"Bearer {DRAWN}",
    f"postgres://u:{DRAWN}@h/d", f"password={DRAWN}", f'{{"api_key": "{DRAWN} {DRAWN}"}}',
    rf"\"token\": \"{DRAWN}\"", f"curl -u bob:{DRAWN} h", f"https://h/x?key={DRAWN}&q", LITERAL,
    f"Authorization: Basic {DRAWN}", f"credentials={{'user': '{DRAWN}', 'x': ['{DRAWN}']}}",
    f"-----BEGIN PRIVATE KEY-----\n{LINES}\n-----END PRIVATE KEY-----",
    f"-----BEGIN PGP PRIVATE KEY BLOCK-----\nVersion: GnuPG v2\n\n{LINES}\n=ab1d\n"
    "-----END PGP PRIVATE KEY BLOCK-----",
]  # fmt: skip
HARMLESS = [
    "The model's key is fine.", "password = getpass.getpass()", "api_key = os.environ['KEY']",
    "def f(token: str = None):", "Open http://localhost:8000/docs now.", "sk-learn, task-based, risk-free.",
    "hf_hub_download(npm_config_registry)", "the bearer of news.", "- item one\n- item two", "token: hello.",
    "A PEM begins with -----BEGIN PRIVATE KEY----- and goes on.", "api_key: Optional[str] = None,",
    "token = await get()", "if token == other:", "see --token and -u.", "ghost xox AK skill.",
]  # fmt: skip
REDACTOR = Redactor(values=[LITERAL])
# No two secrets stand side by side: where one placeholder of two would begin is not told by the masked text.
TEXTS = st.lists(st.tuples(st.sampled_from(HARMLESS), st.sampled_from(SECRETS)), min_size=1, max_size=3).map(
    lambda parts: "".join(f"{harmless} {secret}, and\n" for harmless, secret in parts) + "then the end. "
)
CUTS = st.tuples(TEXTS, st.integers(1, 40), st.randoms(use_true_random=False))


def shown(pieces: list[str], due: list[int | None]) -> str:
    """Return what leaves together, if after each piece so many must leave (None: nothing leaves)."""
    call, redactor, left = CallText(), REDACTOR.counting(), ""
    for piece, number in zip(pieces, due, strict=True):
        call.put(piece)
        if number is not None:
            left += released(call, redactor, number)
    call.complete = True
    return left + released(call, redactor)


def released(call: CallText, redactor: Redactor, due: int = 0) -> str:
    """Let leave what may, and so many pieces in any case."""
    call.due = due
    call.judge(redactor)
    left = "".join(call.free)
    call.free.clear()
    call.settle(redactor)
    return left


def cut(text: str, longest: int, rng: random.Random) -> list[str]:
    """Return a text in pieces."""
    pieces, begin = [], 0
    while begin < len(text):
        size = rng.randint(1, longest)
        pieces.append(text[begin : begin + size])
        begin += size
    return pieces


@settings(deadline=None, max_examples=75)
@given(CUTS)
def test_what_leaves_in_time_reads_as_the_text_masked_whole(drawn: tuple[str, int, random.Random]) -> None:
    """At any cut and any rhythm, as long as nothing has to leave before it is decided."""
    text, longest, rng = drawn
    pieces = cut(text, longest, rng)
    due = [rng.choice([None, 0]) for _ in pieces]
    assert shown(pieces, due) == REDACTOR.redact_text(text)


@settings(deadline=None, max_examples=75)
@given(CUTS, st.floats(0, 1))
def test_no_part_of_a_secret_leaves_whatever_must(drawn: tuple[str, int, random.Random], end: float) -> None:
    """At any cut and any pause, also where the text ends in the middle: no eight characters of a secret."""
    text, longest, rng = drawn
    pieces = cut(text[: round(len(text) * end)], longest, rng)
    due = [rng.choice([None, 0, 1, 1_000]) for _ in pieces]
    left = shown(pieces, due)
    parts = {secret[at : at + 8] for secret in (DRAWN, LITERAL) for at in range(len(secret) - 7)}
    assert [part for part in parts if part in left] == []


@pytest.mark.parametrize(("size", "piece"), [(1_200, 50), (3_000, 50), (20_000, 500)])
def test_a_long_secret_in_quotes_is_masked_to_its_end(size: int, piece: int) -> None:
    """Also where much more of it leaves than is looked at together, and blanks are in it."""
    secret = " ".join([DRAWN] * (size // len(DRAWN)))
    text = f'{{"client_secret": "{secret}", "n": 1}}'
    pieces = [text[at : at + piece] for at in range(0, len(text), piece)]
    assert shown(pieces, [1_000] * len(pieces)) == f'{{"client_secret": "{PLACEHOLDER}", "n": 1}}'


def test_what_does_not_end_is_no_secret_after_a_while() -> None:
    """A quote that is never closed hides some of the text, and not the rest of a long call."""
    pieces = ['password: "', *["and so on and on. " * 50] * (2 * (FORGOTTEN + LONGEST) // 900), "end"]
    assert shown(pieces, [1_000] * len(pieces)).endswith("end")


def test_prose_about_keys_stays() -> None:
    """Naming the first line of a key hides nothing that follows."""
    text = "It begins with -----BEGIN PRIVATE KEY----- and then base64. " + "Make one with openssl. " * 40
    pieces = [text[at : at + 7] for at in range(0, len(text), 7)]
    assert shown(pieces, [0] * len(pieces)) == text


def test_little_is_kept_of_a_long_call() -> None:
    """What has left and is decided is forgotten but for the names that it may end in."""
    call, redactor = CallText(), REDACTOR.counting()
    for _ in range(1_000):
        call.put("and so on and on. ")
        released(call, redactor)
    assert call.size <= 600
