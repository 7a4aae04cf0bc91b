"""One file for each command of `ece-widget`; `cli.py` puts them together."""
