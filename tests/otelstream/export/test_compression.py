"""The compression over gRPC is what the variables say, a signal's own first."""

from __future__ import annotations

import logging

import pytest
from grpc import Compression

from otelstream.export.compression import grpc_compression

ALL, OWN = "OTEL_EXPORTER_OTLP_COMPRESSION", "OTEL_EXPORTER_OTLP_TRACES_COMPRESSION"


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, Compression.NoCompression),
        ({ALL: ""}, Compression.NoCompression),
        ({ALL: "none"}, Compression.NoCompression),
        ({ALL: "gzip"}, Compression.Gzip),
        ({ALL: " GZIP "}, Compression.Gzip),
        ({ALL: "gzip", OWN: "none"}, Compression.NoCompression),
        ({ALL: "none", OWN: "gzip"}, Compression.Gzip),
    ],
)
def test_variables_choose_the_compression(
    variables: dict[str, str], expected: Compression, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both values of the specification are known, and none is the default."""
    for name in (ALL, OWN):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    assert grpc_compression(OWN) == expected


def test_another_compression_is_told_and_not_used(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Spans are exported unzipped rather than lost, and one sentence says why."""
    monkeypatch.setenv(OWN, "zstd")
    with caplog.at_level(logging.WARNING, logger="otelstream"):
        found = grpc_compression(OWN)

    assert (found, caplog.messages) == (
        Compression.NoCompression,
        ["compression zstd does not exist over gRPC, nothing is zipped; use gzip or none."],
    )
