"""What `check` asks ECE, the storage and the shared server, and in words what to change."""

from widget.doctor.examine import examine
from widget.doctor.report import Diagnosis, Finding, Report, Service, Severity

__all__ = ["Diagnosis", "Finding", "Report", "Service", "Severity", "examine"]
