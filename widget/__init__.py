"""ECE Widget: a chat button, the wait before it and the survey after it, for Cisco Enterprise Chat and Email."""
