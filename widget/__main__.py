"""`python -m widget` is `ece-widget`."""

from widget.cli import main

main()
