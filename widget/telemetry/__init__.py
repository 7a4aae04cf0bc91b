"""What operators see: logs without secrets, and metrics with bounded labels."""

from widget.telemetry.definitions import DEFINITIONS, Definition
from widget.telemetry.logs import clean_text, configure, logger, network_of, redact
from widget.telemetry.metrics import CONTENT_TYPE, METHODS, Metrics, Sample, Source

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
]
