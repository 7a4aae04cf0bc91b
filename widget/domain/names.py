"""The names that operators give: to entry points, surveys, webhooks and themes."""

from __future__ import annotations

NAME = "[a-z0-9][a-z0-9_-]{0,63}"  # as a regular expression; such a name may stand in an address and in a path
