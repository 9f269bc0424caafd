"""Span operations to OpenTelemetry, and from there to a collector."""
