"""What stands under a secret's name without being a secret stays, in values and in text."""

from __future__ import annotations

import pytest

from otelstream.redact import Json, Redactor

LONG = "AbCdEf0123456789GhIjKl"
REDACTOR = Redactor()


@pytest.mark.parametrize(
    "value",
    [
        {"token": " the", "logprob": -0.1},
        {"top_logprobs": [{"logprob": -0.1, "token": "a"}]},
        {"cookies": {"count": 3}},
        {"secrets": 5, "credentials": 2},
        {"credentials": "same-origin", "auth": "basic"},
        {"pwd": "/home/bob", "PWD": "~/work", "oldpwd": "C:\\Users"},
        {"required": ["password", "email"]},
        {"required": ["api_key", "query_text"]},
        ["bad password", "try again"],
        {"name": "max_tokens", "value": "100"},
        '{"token": " the", "logprob": -0.1}',
        "pwd=/home/bob",
        "credentials: 'include'",
        "cookie=1",
        "api_key=settings.api_key, n=1",
        "const token = await getToken();",
        "('password', 'email')",
        "see <token> for more",
        "basic authentication and a basic Introduction",
        "docker run --user 1000:1000 x",
        "https://very-long-user-name@host/",
    ],
)
def test_what_is_harmless_stays(value: Json) -> None:
    """Counts, directories, settings, vocabulary, code and the names of others are the same object."""
    assert REDACTOR.redact(value) is value


@pytest.mark.parametrize(
    ("value", "masked"),
    [
        ({"pwd": "/x9Kd/3f"}, {"pwd": "REDACTED"}),
        ({"credentials": {"pin": 1234}}, {"credentials": {"pin": "REDACTED"}}),
        ({"token": "x", "id": 1}, {"token": "REDACTED", "id": 1}),
        ({"auth": "hunter2"}, {"auth": "REDACTED"}),
        ({"token": f"sk-{LONG}", "logprob": 1}, {"token": "REDACTED", "logprob": 1}),
        ("api_key=settings.production", "api_key=REDACTED"),
    ],
)
def test_what_only_resembles_it_is_masked(value: Json, masked: Json) -> None:
    """A directory is one that is known, a count has the name of one, and shapes are masked in any case."""
    assert REDACTOR.redact(value) == masked


def test_a_name_of_the_users_own_is_never_harmless() -> None:
    """Who calls counts secret has them masked."""
    assert Redactor(keys=["count"]).redact({"count": 3}) == {"count": "REDACTED"}


def test_what_a_rule_would_change_is_not_harmless() -> None:
    """Or a second pass would find a secret where the first saw a setting."""
    assert Redactor(patterns=["m"]).redact({"credentials": "same-origin"}) == {"credentials": "REDACTED"}


@pytest.mark.parametrize(
    ("value", "masked"),
    [
        (
            {"$type": "tuple", "items": ["a", 1]},
            {"$type": "tuple", "items": ["REDACTED", "REDACTED"]},
        ),
        (
            {"$type": "model", "class": "m:Box", "fields": {"a": "b"}, "fields_set": ["a"]},
            {"$type": "model", "class": "m:Box", "fields": {"a": "REDACTED"}, "fields_set": ["a"]},
        ),
        ({"$type": "hunter2", "class": "x"}, {"$type": "REDACTED", "class": "REDACTED"}),
    ],
)
def test_the_structure_of_a_recorded_value_stays(value: Json, masked: Json) -> None:
    """Under a secret's name the tag and the class of a tagged value stay, so that it can be read back."""
    assert REDACTOR.redact({"password": value}) == {"password": masked}
