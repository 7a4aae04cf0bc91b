"""What happens around every request: its context, headers, limits, errors, access."""
