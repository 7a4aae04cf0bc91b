"""CSV that a spreadsheet does not execute."""

from __future__ import annotations

# What makes a spreadsheet read a cell as a formula, in the widths that it takes for the same
# (https://owasp.org/www-community/attacks/CSV_Injection).
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
BYTE_ORDER_MARK = "\ufeff"  # without it, spreadsheets take UTF-8 for the encoding of the desk's country


def cell(value: object) -> str:
    """Return a value for a CSV that a spreadsheet does not take for a formula."""
    text = "" if value is None else str(value)
    return f"'{text}" if text.lstrip(" \u00a0\ufeff\u200b\x00").startswith(_FORMULA) else text
