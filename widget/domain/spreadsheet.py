"""CSV that a spreadsheet does not execute, whatever it takes for the end of a cell."""

from __future__ import annotations

import re

BYTE_ORDER_MARK = "\ufeff"  # without it, spreadsheets take UTF-8 for the encoding of the computer's country
_BLANKS = "[ \u00a0\ufeff\u200b\x00]*"
# What makes a spreadsheet read a cell as a formula, in the widths that it takes for the same
# (https://owasp.org/www-community/attacks/CSV_Injection).
_FORMULA = r"=+\-@\uff1d\uff0b\uff0d\uff20"
# Separators and quotes are those of the computer's country: read with others, a text goes on in a new cell behind each.
_START = re.compile(rf"^(?={_BLANKS}[{_FORMULA}\t\r\n])|(?<=[,;\t\r\n])(?={_BLANKS}[{_FORMULA}])")


def cell(value: object) -> str:
    """Return a value for a CSV that a spreadsheet takes for a formula nowhere."""
    return "" if value is None else _START.sub("'", str(value))
