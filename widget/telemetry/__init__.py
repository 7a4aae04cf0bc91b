"""What operators see: logs without secrets, and metrics with bounded labels."""

from widget.telemetry.definitions import DEFINITIONS
from widget.telemetry.logs import configure, logger
from widget.telemetry.metrics import CONTENT_TYPE, METHODS, Metrics, Sample, Source

__all__ = [
    "CONTENT_TYPE",
    "DEFINITIONS",
    "METHODS",
    "Metrics",
    "Sample",
    "Source",
    "configure",
    "logger",
]
