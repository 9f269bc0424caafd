"""Keys that OTLP exporters are given stay out of logs.

The SDK's exporters quote endpoints, malformed headers, and what a collector says of a request it refuses.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Final

from opentelemetry.sdk.environment_variables import (
    OTEL_EXPORTER_OTLP_ENDPOINT,
    OTEL_EXPORTER_OTLP_TRACES_ENDPOINT,
)

from otelstream.redact import Redactor
from otelstream.redact.environment import otlp_secrets

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
        self.secrets = sorted(otlp_secrets(environ), key=len, reverse=True)

    def filter(self, record: logging.LogRecord) -> bool:
        """Mask a record; let every record pass."""
        message = record.getMessage()
        if any(secret in message for secret in self.secrets):
            for secret in self.secrets:
                message = message.replace(secret, MASK)
            # The traceback behind it would quote the same answer.
            record.msg, record.args, record.exc_info = message, (), None
        return True


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
    """Return where traces go, as it may be shown: a password in it is masked.

    Args:
        environ: The variables.
        endpoint: What overrides them.
    """
    variables = (OTEL_EXPORTER_OTLP_TRACES_ENDPOINT, OTEL_EXPORTER_OTLP_ENDPOINT)
    named = endpoint or next((environ[name] for name in variables if environ.get(name)), None)
    return Redactor().redact_text(named or "the default OTLP endpoint")
