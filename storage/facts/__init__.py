"""Telemetry → facts, pure: what agents did, read from the rows of spans, log records and metric points."""
