"""All that is built once from the settings, and started and stopped with the process."""
