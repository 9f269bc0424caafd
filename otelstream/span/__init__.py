"""Frames in, span operations out: pure, with no clock, no thread and no OpenTelemetry."""
