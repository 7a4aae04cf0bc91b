"""For operators: health, metrics, the description of the addresses."""
