"""The redaction of a session: secrets are found in the text of a call, however the model cut it."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence

import pytest

from otelstream.frame import StreamFrame
from otelstream.redact import Redactor, Released, StreamRedactor, redacted
from otelstream.testing import make_frame

VALUE = "correct-horse-77-battery"

# What a model may say, and what of it is a secret.
SECRETS = {
    "provider key": ("use %s please", "sk-proj4fG7hJ9kL2mN5pQ8rT1vW3xY6z"),
    "AWS key": ("key %s.", "AKIAIOSFODNN7EXAMPLQ"),
    "GitHub token": ("(%s)", "ghp_16C7e42F292c6912E7710c838347Ae178B4a"),
    "JWT": ("token is %s ok", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0"),
    "bearer": ("Authorization: Bearer %s\nnext", "a8Kd93jF0sLq2mN5"),
    "pair": ("password=%s and so on", "hunter2hunter2"),
    "quoted pair": ('{"api_key": "%s", "n": 1}', "correct horse battery staple"),
    "URL": ("postgres://app:%s@db.example/x", "s3cr3tPassw0rd"),
    "flag": ("run --token %s now", "9aB8cD7eF6gH5iJ4"),
    "value": ("the value %s appears", VALUE),
    "private key": (
        "-----BEGIN RSA PRIVATE KEY-----\n%s\n-----END RSA PRIVATE KEY-----\nafter",
        "\n".join(
            "MIIEpAIBAAKCAQEA7bq1kD9fLx0Zs8Wn2Yv4Ht6Jr3Qe5Uo7Ic9Pa1Gm0Bd2"[i:] + "q" * i for i in range(40)
        ),
    ),
}


def tokens(pieces: Iterable[str], call_id: str = "c") -> list[StreamFrame]:
    """Return the token frames of one call."""
    return [
        make_frame("llm_stream_chunk", id=f"{call_id}{i}", data={"chunk": piece, "call_id": call_id})
        for i, piece in enumerate(pieces)
    ]


def cut(text: str, rng: random.Random, longest: int = 5) -> list[str]:
    """Return a text in pieces of random length."""
    pieces, at = [], 0
    while at < len(text):
        size = rng.randint(1, longest)
        pieces.append(text[at : at + size])
        at += size
    return pieces


def text_of(released: Sequence[Released]) -> str:
    """Return what frames say together."""
    return "".join(one[0].data["chunk"] for one in released if one[0] is not None)


def leaks(secret: str, text: str) -> list[str]:
    """Parts of a secret that are long enough to be worth something, and stand in the text."""
    return [secret[i : i + 7] for i in range(len(secret) - 6) if secret[i : i + 7] in text]


@pytest.mark.parametrize("kind", SECRETS)
@pytest.mark.parametrize("seed", range(8))
def test_no_part_of_a_secret_leaves_however_it_is_cut_and_whenever_frames_leave(kind: str, seed: int) -> None:
    """At every cut into pieces of 1 to 5 characters, and every rhythm of releases, no seven of them leave."""
    rng = random.Random(f"{kind}{seed}")
    template, secret = SECRETS[kind]
    stream = StreamRedactor(Redactor(values=[VALUE]))
    released: list[Released] = []
    for frame in tokens(cut("Some words before. " + template % secret + " and some after.", rng)):
        stream.put(frame)
        if rng.random() < 0.4:
            released += stream.release(at_once=rng.random() < 0.05)
    released += stream.release(final=True)
    assert leaks(secret, text_of(released)) == []


@pytest.mark.parametrize("kind", SECRETS)
def test_a_call_that_leaves_whole_reads_as_its_text_masked_whole(kind: str) -> None:
    """Cut or not, the text that comes out is the same."""
    template, secret = SECRETS[kind]
    text = "Some words before. " + template % secret + " and some after."
    redactor = Redactor(values=[VALUE])
    frames = list(redacted(tokens(cut(text, random.Random(1))), redactor))
    assert "".join(frame.data["chunk"] for frame in frames) == redactor.redact_text(text)


def test_prose_leaves_as_the_same_frames() -> None:
    """What holds nothing that looks like a secret is neither changed nor copied."""
    frames = tokens(
        cut("The keys of the piano are black and white; the token price is 12 cents.", random.Random(2))
    )
    stream = StreamRedactor(Redactor())
    released: list[Released] = []
    for frame in frames:
        stream.put(frame)
        released += stream.release()
    released += stream.release(final=True)
    assert [id(one[0]) for one in released] == [id(frame) for frame in frames]


def test_what_may_become_a_secret_waits_until_it_is_due_and_is_masked_then() -> None:
    """A key that has begun is held back, however often; when it must leave it is the placeholder."""
    stream = StreamRedactor(Redactor())
    for frame in tokens(["see ", "sk-abc"]):
        stream.put(frame)
    assert [text_of(stream.release(due=due)) for due in (0, 0, 1)] == ["see ", "", "REDACTED"]


def test_what_follows_a_masked_beginning_is_masked_without_another_placeholder() -> None:
    """A pause in the middle of a secret does not show in what is recorded."""
    stream = StreamRedactor(Redactor())
    shown = []
    for frame in tokens(["see sk-abcd", "EFGH1234", "ijkl5678", "mnop. And", " more."]):
        stream.put(frame)
        shown.append(text_of(stream.release(at_once=True)))
    assert shown == ["see REDACTED", "", "", ". And", " more."]


def test_few_characters_of_what_may_be_a_secret_may_be_seen() -> None:
    """Less than six characters are shown when they must leave: most of them are harmless words."""
    stream = StreamRedactor(Redactor())
    for frame in tokens(["the port is http://localhost:80", "80"]):
        stream.put(frame)
    assert text_of(stream.release(at_once=True)) == "the port is http://localhost:8080"


def test_what_turns_out_to_be_harmless_leaves_as_it_came() -> None:
    """A word that began like a key and ended as a word is not masked."""
    stream = StreamRedactor(Redactor())
    first, second = tokens(["see sk-le", "arn for more"])
    stream.put(first)
    assert stream.release() == []
    stream.put(second)
    assert text_of(stream.release()) == "see sk-learn for more"


def test_frames_leave_in_order_across_calls() -> None:
    """A call that waits keeps the frames behind it, so that a recording has no holes."""
    stream = StreamRedactor(Redactor())
    (held,), (other,) = tokens(["sk-ab"], "a"), tokens(["fine"], "b")
    end = make_frame("llm_call_completed", id="e", data={"call_id": "b", "response": "fine"})
    for frame in (held, other, end):
        stream.put(frame)
    assert stream.release() == []
    assert [one[0].id for one in stream.release(at_once=True) if one[0] is not None] == [
        "a0",
        "b0",
        "e",
    ]


def test_the_end_of_a_call_settles_its_doubts() -> None:
    """No more text comes after `llm_call_completed`, so an unfinished key is just a word."""
    stream = StreamRedactor(Redactor())
    (frame,) = tokens(["see sk-ab"])
    stream.put(frame)
    stream.put(make_frame("llm_call_completed", data={"call_id": "c", "response": "see sk-ab"}))
    assert text_of(stream.release()[:1]) == "see sk-ab"


def test_arguments_of_a_tool_that_grow_are_masked_while_they_do() -> None:
    """Each token frame of a tool call repeats the arguments so far; none may show a part of the key."""
    secret = "sk-proj4fG7hJ9kL2mN5pQ8rT1vW3xY6z"
    text = '{"note": "use ' + secret + '"}'
    stream = StreamRedactor(Redactor())
    shown: list[str] = []
    for end in range(1, len(text) + 1):
        call = {
            "id": "t",
            "index": 0,
            "type": "function",
            "function": {"name": "note", "arguments": text[:end]},
        }
        data = {"chunk": text[end - 1], "call_id": "c", "tool_call": call}
        stream.put(make_frame("llm_stream_chunk", id=str(end), data=data))
        shown += [
            one[0].data["tool_call"]["function"]["arguments"]
            for one in stream.release()
            if one[0] is not None
        ]
    shown += [
        one[0].data["tool_call"]["function"]["arguments"] for one in stream.release(final=True) if one[0]
    ]
    assert [part for argument in shown for part in leaks(secret[4:], argument)] == []
    assert shown[-1] == '{"note": "use REDACTED"}'


def test_rules_are_counted_once_per_secret() -> None:
    """The report names the rule and how often it fired, over the token frames and the other frames."""
    stream = StreamRedactor(Redactor(values=[VALUE]))
    for frame in tokens(cut(f"say {VALUE} and sk-proj4fG7hJ9kL2mN5pQ8rT1vW3xY6z twice", random.Random(3))):
        stream.put(frame)
        stream.release()
    stream.put(make_frame("flow_finished", data={"result": f"{VALUE}", "api_key": "x1"}))
    stream.release(final=True)
    assert dict(stream.fired) == {"value": 2, "key sk-…": 1, "key": 1}


def test_a_frame_whose_function_raises_is_the_only_one_that_is_lost() -> None:
    """None stands for it, and the next frames come out."""

    def function(text: str) -> str:
        if text == "bad":
            raise RuntimeError("refused")
        return text.upper()

    def attempt(step: object) -> bool:
        assert callable(step)
        try:
            step()
        except RuntimeError:
            return False
        return True

    stream = StreamRedactor(Redactor(function=function), attempt)
    for frame in tokens(["good", "bad", "fine"]):
        stream.put(frame)
    assert [one[0] and one[0].data["chunk"] for one in stream.release(final=True)] == [
        "GOOD",
        None,
        "FINE",
    ]


def test_without_rules_every_frame_passes() -> None:
    """`redact=False` keeps secrets."""
    frames = tokens(["sk-proj4fG7hJ9kL2mN5pQ8rT1vW3xY6z"])
    assert list(redacted(frames, None)) == frames


def test_a_session_of_many_calls_keeps_few_of_them() -> None:
    """Of calls that have ended only the last ones are remembered."""
    stream = StreamRedactor(Redactor())
    for number in range(3_000):
        call_id = f"call{number}"
        for frame in tokens(["a b"], call_id):
            stream.put(frame)
        stream.put(make_frame("llm_call_completed", data={"call_id": call_id}))
        stream.release()
    assert stream.remembered == 100


def test_a_speaker_may_be_nested_without_end() -> None:
    """A token frame of a call without an id leaves, whatever stands for its agent."""
    role: object = "writer"
    for _ in range(5_000):
        role = [role]
    frame = make_frame("llm_stream_chunk", data={"chunk": "tea", "agent_role": role})
    stream = StreamRedactor(Redactor())

    stream.put(frame)
    ((released, _),) = stream.release(final=True)

    assert released is not None
    assert released.data["chunk"] == "tea"
