"""What pydantic quotes of a field that has the name of a secret."""

from __future__ import annotations

import pytest
from pydantic import BaseModel, ValidationError

from otelstream.redact import Redactor

VALUE = "correct horse"


class _Credentials(BaseModel):
    city: int
    api_key: int


class _Service(BaseModel):
    credential: list[_Credentials]


def error_text(data: object) -> str:
    """What pydantic says of data that fits no service."""
    with pytest.raises(ValidationError) as raised:
        _Service.model_validate(data)
    return str(raised.value)


@pytest.mark.parametrize("written", [str, repr, lambda text: repr(repr(text))])
def test_the_value_of_a_secret_field_is_masked(written: type[str]) -> None:
    """As text and as the text of a text, the value goes, and what stands around it stays."""
    text = "api_key\n  Bad [type=int_type, input_value='correct horse', input_type=str]"

    masked = Redactor().redact_text(written(text))

    assert VALUE not in masked
    assert "Bad [type=int_type, input_value=REDACTED, input_type=str]" in masked


def test_a_secret_field_deep_in_a_model_is_masked() -> None:
    """The path of a field is what tells, in the words of the pydantic that is installed."""
    masked = Redactor().redact_text(error_text({"credential": [{"city": 1, "api_key": VALUE}]}))

    assert VALUE not in masked
    assert "input_value=REDACTED, input_type=str]" in masked


def test_other_fields_stay() -> None:
    """A value under the name of no secret is quoted as it was, also beside a secret one."""
    with pytest.raises(ValidationError) as raised:
        _Credentials.model_validate({"city": "Graz", "api_key": VALUE})

    masked = Redactor().redact_text(str(raised.value))

    assert "input_value='Graz'" in masked
    assert VALUE not in masked


def test_a_text_that_was_cut_is_masked_to_its_end() -> None:
    """Where the end of the value is missing, nothing of it stays."""
    text = "1 validation error for Key\npassword\n  Bad [type=int_type, input_value='correct ho"

    assert Redactor().redact_text(text) == text.replace("'correct ho", "REDACTED")
