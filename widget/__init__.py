"""ECE Widget: a chat button, the wait before it and the survey after it, for Cisco Enterprise Chat and Email."""

__version__ = "1.0.0"
