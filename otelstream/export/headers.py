"""Keys that OTLP exporters are given stay out of logs.

The SDK's exporters quote endpoints, malformed headers, and what a collector says of a request it refuses.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Mapping
from contextlib import suppress
from typing import Final

from opentelemetry.sdk.environment_variables import (
    OTEL_EXPORTER_OTLP_ENDPOINT,
    OTEL_EXPORTER_OTLP_TRACES_ENDPOINT,
)

from otelstream.redact import Redactor
from otelstream.redact.environment import malformed_headers, otlp_secrets
from otelstream.redact.literals import base64_forms, written_forms

MASK: Final = "***"

LOGGERS: Final = (
    "opentelemetry.util.re",
    "opentelemetry.exporter.otlp.proto.http.trace_exporter",
    "opentelemetry.exporter.otlp.proto.http.metric_exporter",
    "opentelemetry.exporter.otlp.proto.http._log_exporter",
    "opentelemetry.exporter.otlp.proto.grpc.exporter",
)
"""Those that quote them: a filter sees what its own logger is given, and nothing of the loggers beneath."""


class HeaderKeys(logging.Filter):
    """Masks the keys of some variables in log records.

    Args:
        environ: The variables; their keys are taken now.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        super().__init__()
        found = otlp_secrets(environ) | malformed_headers(environ)
        # A password in an endpoint is sent in base64, so a collector that quotes it does so, too.
        forms = {form for secret in found for form in written_forms(secret) | base64_forms(secret)}
        self.secrets = sorted(forms, key=len, reverse=True)

    def filter(self, record: logging.LogRecord) -> bool:
        """Mask a record; let every record pass."""
        with suppress(Exception):  # one that cannot be formatted is its handlers' affair, not its caller's
            self._mask_message(record)
            self._mask_traceback(record)
        return True

    def _mask_message(self, record: logging.LogRecord) -> None:
        message = record.getMessage()
        masked = self._masked(message)
        if masked != message:
            record.msg, record.args = masked, ()

    def _mask_traceback(self, record: logging.LogRecord) -> None:
        if isinstance(record.exc_info, tuple):
            text = record.exc_text or "".join(traceback.format_exception(*record.exc_info)).rstrip("\n")
            masked = self._masked(text)
            if masked != text:
                record.exc_info, record.exc_text = None, masked

    def _masked(self, text: str) -> str:
        for secret in self.secrets:
            text = text.replace(secret, MASK)
        return text


def keep_out_of_logs(environ: Mapping[str, str]) -> None:
    """Mask the keys of these variables in what the SDK's exporters log from now on."""
    keys = HeaderKeys(environ)
    if not keys.secrets:
        return
    for name in LOGGERS:
        logger = logging.getLogger(name)
        known = [other.secrets for other in logger.filters if isinstance(other, HeaderKeys)]
        if keys.secrets not in known:
            logger.addFilter(keys)


def shown_endpoint(environ: Mapping[str, str], endpoint: str | None = None) -> str:
    """Return where traces go, as it may be shown: a password or a key in it is masked.

    Args:
        environ: The variables.
        endpoint: What overrides them.
    """
    variables = (OTEL_EXPORTER_OTLP_TRACES_ENDPOINT, OTEL_EXPORTER_OTLP_ENDPOINT)
    named = endpoint or next((environ[name] for name in variables if environ.get(name)), None)
    secrets = otlp_secrets({OTEL_EXPORTER_OTLP_ENDPOINT: named or ""})
    return Redactor(values=secrets).redact_text(named or "the default OTLP endpoint")
