"""Pydantic's `ValidationError`, which keeps what it says in no attribute that Python can see."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from pydantic import JsonValue
from pydantic_core import InitErrorDetails, PydanticCustomError, ValidationError

from recorder.classes import guarded

if TYPE_CHECKING:
    from recorder.standins import JsonObject
    from recorder.values import Encoder


def encode_validation(encoder: Encoder, error: BaseException) -> JsonValue:
    """Return what a validation error holds as JSON; None for any other exception.

    An input stands under the name of its field, where redaction finds it; what the error hides is left out.
    """
    if type(error) is not ValidationError:
        return None
    shown = "input_value=" in str(error)
    found = error.errors(include_url=False, include_input=shown)
    return {"title": error.title, "shows_input": shown, "errors": [_encode(encoder, each) for each in found]}


def _encode(encoder: Encoder, found: Any) -> JsonValue:  # noqa: ANN401 - a dict with the keys of pydantic
    place = list(found["loc"])
    name = next((str(part) for part in reversed(place) if isinstance(part, str)), "value")
    return {
        "kind": found["type"],
        "place": place,
        "message": found["msg"],
        "input": {name: encoder.encode(found.get("input"))},
        "context": encoder.encode(found.get("ctx", {})),
    }


def make_validation(recorded: JsonValue, decode: Callable[[JsonValue], Any], text: str) -> ValidationError:
    """Return the validation error of that text.

    Raises:
        Exception: It was recorded in part only, or pydantic has other words for it now.
    """
    whole = cast("JsonObject", recorded)
    errors = [_decode(each, decode) for each in cast("list[JsonObject]", whole["errors"])]
    for source in ("python", "json"):  # it is told nowhere, and some words depend on it
        error = ValidationError.from_exception_data(
            str(whole["title"]), errors, cast("Any", source), not whole["shows_input"]
        )
        if str(error) == text:
            return error
    raise ValueError("its text is another one")


def _decode(recorded: JsonObject, decode: Callable[[JsonValue], Any]) -> InitErrorDetails:
    [given] = decode(recorded["input"]).values()
    kind, context = str(recorded["kind"]), decode(recorded["context"])
    place = tuple(cast("list[str | int]", recorded["place"]))
    details = InitErrorDetails(type=kind, loc=place, input=given)
    if context:
        details["ctx"] = context
    if guarded(lambda: ValidationError.from_exception_data("", [details]), lambda _: None) is None:
        own = PydanticCustomError(cast("Any", kind), cast("Any", recorded["message"]), context or None)
        details["type"] = own
    return details
