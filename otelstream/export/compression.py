"""How requests over gRPC are zipped: the SDK's exporters refuse `none`, which the specification has."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING, Final

from opentelemetry.sdk.environment_variables import OTEL_EXPORTER_OTLP_COMPRESSION

if TYPE_CHECKING:
    from grpc import Compression

log: Final = logging.getLogger("otelstream")


def grpc_compression(variable: str) -> Compression:
    """Return the compression that a signal's variable, or the one for all signals, chooses.

    One that gRPC does not have is told, and nothing is zipped: that is what the SDK does over HTTP.
    """
    from grpc import Compression

    name = os.environ.get(variable) or os.environ.get(OTEL_EXPORTER_OTLP_COMPRESSION) or "none"
    found = {"none": Compression.NoCompression, "gzip": Compression.Gzip}.get(name.strip().lower())
    if found is None:
        log.warning("compression %s does not exist over gRPC, nothing is zipped; use gzip or none.", name)
    return found or Compression.NoCompression
