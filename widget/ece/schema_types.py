"""The lexical forms of XML Schema that ECE's answers use, in ASCII alone.

Python's own `int()` and `float()` also take "1_0", other scripts' digits, blanks and "nan"; these take what the schema
lists. None stands for "no usable value".
"""

from __future__ import annotations

import math
import re
from decimal import Decimal
from typing import Literal

WaitTimeUnit = Literal["milliseconds", "seconds", "minutes"]

XML_SPACE = " \t\r\n"

_SECONDS: dict[WaitTimeUnit, Decimal] = {
    "milliseconds": Decimal("0.001"),
    "seconds": Decimal(1),
    "minutes": Decimal(60),
}
_LONGEST_WAIT = Decimal(2**53 - 1)  # the largest whole number that a browser holds exactly
_LONG = 2**63 - 1
_DOUBLE = re.compile(r"[+-]?(?:[0-9]{1,64}(?:\.[0-9]{0,64})?|\.[0-9]{1,64})(?:[eE][+-]?[0-9]{1,8})?")
_INTEGER = re.compile(r"[+-]?[0-9]{1,19}")


def boolean(text: str) -> bool | None:
    """Read an xs:boolean; also in capitals, since the vendor's own clients lower the case before they compare."""
    return {"true": True, "1": True, "false": False, "0": False}.get(text.strip(XML_SPACE).lower())


def long(text: str | None) -> int | None:
    """Read an xs:long; "4.0" is none."""
    text = (text or "").strip(XML_SPACE)
    if not _INTEGER.fullmatch(text):
        return None
    number = int(text)
    return number if -_LONG - 1 <= number <= _LONG else None


def seconds(text: str | None, unit: WaitTimeUnit) -> int | None:
    """Read an xs:double of `unit` as whole seconds, rounded up; negative, NaN and infinite ones are none."""
    text = (text or "").strip(XML_SPACE)
    if not _DOUBLE.fullmatch(text):
        return None
    number = float(text)
    if number < 0 or math.isinf(number):
        return None
    # By way of the shortest decimal: 2.3 minutes are 138 seconds, not 139, which the binary fraction rounds up to.
    return math.ceil(min(Decimal(repr(number)) * _SECONDS[unit], _LONGEST_WAIT))
