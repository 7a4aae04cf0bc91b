"""What `check` asks ECE, the storage and the shared server, and in words what to change."""

from widget.doctor.examine import Prober, examine
from widget.doctor.report import CheckedCall, Diagnosis, Finding, Report, Service, Severity

__all__ = ["CheckedCall", "Diagnosis", "Finding", "Prober", "Report", "Service", "Severity", "examine"]
