"""What operators see: logs without secrets, metrics with bounded labels, and the trace header to pass on."""

from widget.telemetry.logs import clean_text, configure, logger, network_of, redact, trace_parent
from widget.telemetry.metrics import CONTENT_TYPE, DEFINITIONS, METHODS, Definition, Metrics, Sample, Source, stopwatch

__all__ = [
    "CONTENT_TYPE",
    "DEFINITIONS",
    "METHODS",
    "Definition",
    "Metrics",
    "Sample",
    "Source",
    "clean_text",
    "configure",
    "logger",
    "network_of",
    "redact",
    "stopwatch",
    "trace_parent",
]
