"""Keys in the headers of OTLP exporters stay out of logs."""

from __future__ import annotations

import logging
from base64 import b64encode
from collections.abc import Iterator

import pytest

from otelstream.export.headers import LOGGERS, HeaderKeys, keep_out_of_logs, shown_endpoint
from otelstream.export.otlp import exporter_from_environment

KEY = "hcaik_01hqk4k20000"
ENVIRON = {"OTEL_EXPORTER_OTLP_HEADERS": f"x-honeycomb-team={KEY},x-honeycomb-dataset=production"}


@pytest.fixture(autouse=True)
def unfiltered() -> Iterator[None]:
    """Leave the loggers as they were."""
    before = {name: list(logging.getLogger(name).filters) for name in LOGGERS}
    yield
    for name, filters in before.items():
        logging.getLogger(name).filters = filters


def test_a_record_is_masked(caplog: pytest.LogCaptureFixture) -> None:
    """What an exporter logs has no key, and keeps what is no secret."""
    keep_out_of_logs(ENVIRON)
    logging.getLogger(LOGGERS[1]).error("code: %s, reason: %s for %s", 401, f"no {KEY}", "production")
    assert [record.getMessage() for record in caplog.records] == ["code: 401, reason: no *** for production"]


@pytest.mark.parametrize("message", ["no %s", "no key"])
def test_a_traceback_is_masked(message: str, caplog: pytest.LogCaptureFixture) -> None:
    """The exception may quote a key, whether the message does or not."""
    keep_out_of_logs(ENVIRON)
    arguments = [KEY] if "%" in message else []
    logging.getLogger(LOGGERS[-1]).error(message, *arguments, exc_info=ValueError(f"not {KEY}"))
    assert "ValueError: not ***" in caplog.text
    assert KEY not in caplog.text


def test_a_key_is_masked_however_it_is_quoted() -> None:
    """The SDK shows a value that cannot be sent as Python writes it."""
    record = logging.LogRecord("a", logging.ERROR, "a.py", 1, "value: %r", ("hcaik_01hqk\n4k20000",), None)
    HeaderKeys({"OTEL_EXPORTER_OTLP_HEADERS": "x-honeycomb-team=hcaik_01hqk%0A4k20000"}).filter(record)
    assert record.getMessage() == "value: '***'"


def test_the_password_of_an_endpoint_is_masked_as_it_is_sent() -> None:
    """Beside the user, in base64."""
    sent = b64encode(b"me:secret-99").decode()
    record = logging.LogRecord("a", logging.ERROR, "a.py", 1, "not with Basic %s", (sent,), None)
    HeaderKeys({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://me:secret-99@a:4318"}).filter(record)
    assert record.getMessage() == "not with Basic bWU6***"


def test_the_password_of_an_endpoint_that_overrides_the_variables_is_masked(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """That of `otelstream export otlp --endpoint`, which exporters over gRPC quote."""
    exporter_from_environment({}, "http://me:secret-99@a:4317").shutdown()
    logging.getLogger(LOGGERS[-1]).error("Failed to export traces to %s", "me:secret-99@a:4317")
    assert [record.getMessage() for record in caplog.records] == ["Failed to export traces to me:***@a:4317"]


def test_a_malformed_header_is_masked_as_a_whole() -> None:
    """What is secret in it, nobody knows."""
    record = logging.LogRecord("a", logging.ERROR, "a.py", 1, "invalid: %s", ("horse battery",), None)
    HeaderKeys({"OTEL_EXPORTER_OTLP_HEADERS": "password=correct,horse battery"}).filter(record)
    assert record.getMessage() == "invalid: ***"


class Unspeakable:
    """Has no text."""

    def __str__(self) -> str:
        raise LookupError("no text")


@pytest.mark.parametrize(
    ("message", "arguments"),
    [("one %s", (1, 2)), ("%d", ("text",)), (Unspeakable(), None), (7, None), (None, ()), ("%s", None)],
)
def test_an_odd_record_passes(message: object, arguments: tuple[object, ...] | None) -> None:
    """What cannot be formatted is its handlers' affair: whoever logs it sees no exception."""
    record = logging.LogRecord("a", logging.ERROR, "a.py", 1, message, arguments, None)
    assert HeaderKeys(ENVIRON).filter(record)
    assert (record.msg, record.args) == (message, arguments)


def test_a_record_without_a_key_is_left_alone() -> None:
    """Message, arguments and traceback of any other record stay as they are."""
    error = (ValueError, ValueError("no"), None)
    record = logging.LogRecord("a", logging.ERROR, "a.py", 1, "code: %s", (401,), error)
    assert HeaderKeys(ENVIRON).filter(record)
    assert (record.msg, record.args, record.exc_info) == ("code: %s", (401,), error)


def test_one_filter_is_enough() -> None:
    """A second exporter with the same variables adds no filter, and one without keys adds none at all."""
    before = len(logging.getLogger(LOGGERS[0]).filters)
    for environ in (ENVIRON, ENVIRON, {}):
        keep_out_of_logs(environ)
    assert len(logging.getLogger(LOGGERS[0]).filters) == before + 1


@pytest.mark.parametrize(
    ("environ", "endpoint", "shown"),
    [
        ({}, None, "the default OTLP endpoint"),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://a:4318"}, None, "http://a:4318"),
        ({}, "http://4f0c9e1b2a7d4c58@a:4318", "http://REDACTED@a:4318"),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://a:4318"}, "http://b:4318", "http://b:4318"),
        (
            {
                "OTEL_EXPORTER_OTLP_ENDPOINT": "http://a:4318",
                "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://me:secret-9@c/v1/traces",
            },
            None,
            "http://me:REDACTED@c/v1/traces",
        ),
    ],
)
def test_the_endpoint_is_shown_without_its_password(
    environ: dict[str, str], endpoint: str | None, shown: str
) -> None:
    """What is shown is where traces go: what overrides the variables, the one for traces, the one for all."""
    assert shown_endpoint(environ, endpoint) == shown
