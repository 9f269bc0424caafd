"""What is told of a session's end, and which redactor masks it."""

from __future__ import annotations

import pytest

from otelstream.bridge import Redact, redactor_of
from otelstream.bridge.stages import told, withheld
from otelstream.bridge.stream import End
from otelstream.redact import Redactor

KEY = "sk-AbCdEf0123456789GhIjKl"
ERROR = type(f"My_{KEY}", (ValueError,), {"__module__": "m"})(KEY)
END = End("failed", 1_000, (), ERROR)


def test_the_class_of_an_error_is_masked() -> None:
    """Its name may be made up, and goes to the spans, too."""
    outcome = told(END, Redactor()).outcome
    assert (outcome.error_type, outcome.error_message) == ("m.My_REDACTED", "REDACTED")


def test_the_class_is_masked_where_the_rest_is_withheld() -> None:
    """By the rules alone: it was a function of the user's that failed."""
    outcome = withheld(END, Redactor(function=lambda text: text[10**9])).outcome
    assert (outcome.error_type, outcome.error_message) == ("m.My_REDACTED", None)


@pytest.mark.parametrize("redact", [True, Redactor(keys=["customer_ref"]), str])
def test_every_redactor_knows_the_secrets_of_the_environment(redact: Redact) -> None:
    """Also one with rules of the user's, and a function."""
    redactor = redactor_of(redact, {"DB_PASSWORD": "correct horse 9"})
    assert redactor is not None
    assert redactor.redact_text("it is correct horse 9") == "it is REDACTED"


def test_the_users_redactor_keeps_its_rules() -> None:
    """The environment adds to them."""
    redactor = redactor_of(Redactor(keys=["customer_ref"]), {})
    assert redactor is not None
    assert redactor.redact({"customer_ref": "x"}) == {"customer_ref": "REDACTED"}
