"""What `check` asks ECE and what it says: every call for every entry point, and in words what to change."""

from widget.doctor.examine import Prober, examine
from widget.doctor.report import Asked, Diagnosis, Finding, Probe, Report, Severity

__all__ = ["Asked", "Diagnosis", "Finding", "Probe", "Prober", "Report", "Severity", "examine"]
