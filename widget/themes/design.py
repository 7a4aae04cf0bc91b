"""`theme.toml`: colours for light and dark, corner, offsets, icon, corner radius and font of a theme.

Every key is optional; what a theme does not write comes from the next layer, in the end from the shipped default. A
value that cannot be used is a fault with its key, the value and what is allowed; the next layer's value stands in.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal, NamedTuple

from widget.themes.folders import DESIGN_FILE, Layer, ThemeRemark
from widget.themes.icons import ICONS, IconRefused, clean_icon

CORNERS = tuple(f"{edge}-{side}" for edge in ("bottom", "top") for side in ("right", "left", "end", "start"))

_COLOUR = re.compile(r"#(?:[0-9a-fA-F]{3}|[0-9a-fA-F]{6})")
_FONT = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ,-]{0,199}")
_ICON_FILE = re.compile(r"[a-z0-9_-]+\.svg")
_READABLE, _VISIBLE = 4.5, 3.0  # WCAG 2.2, 1.4.3 and 1.4.11


class Colours(NamedTuple):
    """The colours of one scheme, as `#rrggbb`. `line` and `focus` are seen, the others read."""

    background: str
    surface: str
    text: str
    muted: str
    line: str
    accent: str
    on_accent: str
    focus: str
    error: str

    def pairs(self) -> Iterator[tuple[str, str, float]]:
        """Yield each pair that meets on a page, with the contrast it needs."""
        for ground in ("background", "surface"):
            for ink in ("text", "muted", "accent", "error"):
                yield ink, ground, _READABLE
            for mark in ("line", "focus"):
                yield mark, ground, _VISIBLE
        yield "on_accent", "accent", _READABLE

    def too_close(self) -> Iterator[str]:
        for ink, ground, needed in self.pairs():
            found = contrast(getattr(self, ink), getattr(self, ground))
            if found < needed:
                yield f"{ink} on {ground} has a contrast of {found:.2f}, {needed} is needed"


class Design(NamedTuple):
    """What `theme.toml` says, complete. `icon` is SVG markup that has been checked, or empty."""

    name: str
    light: Colours
    dark: Colours
    scheme: Literal["auto", "light", "dark"]
    corner: str
    offset_x: int
    offset_y: int
    radius: int
    font: str
    icon: str

    def corner_in(self, direction: str) -> str:
        """Return the corner as top or bottom and left or right, for a reading direction."""
        edge, side = self.corner.split("-")
        if side in ("start", "end"):
            side = "left" if (side == "start") == (direction == "ltr") else "right"
        return f"{edge}-{side}"

    def contrast_warnings(self) -> list[ThemeRemark]:
        return [
            ThemeRemark(f"{self.name}/{DESIGN_FILE}", f"[{scheme}] {problem}", "choose colours further apart")
            for scheme, colours in (("light", self.light), ("dark", self.dark))
            for problem in colours.too_close()
        ]


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two colours (WCAG 2.2, relative luminance)."""
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


def read_design(name: str, chain: tuple[Layer, ...]) -> tuple[Design, list[ThemeRemark]]:
    """Return a theme's design, each value from the first layer whose `theme.toml` has it, and the faults."""
    values: dict[str, Any] = {"icon": ""}
    palettes: dict[str, dict[str, str]] = {"light": {}, "dark": {}}
    faults: list[ThemeRemark] = []
    for layer in reversed(chain):
        for key, value in _checked(layer, faults):
            section, _, colour = key.rpartition(".")
            if section:
                palettes[section][colour] = value
            elif key == "icon":
                values[key] = _icon(layer, chain, value, faults, instead=values[key])
            else:
                values[key] = value
    light, dark = Colours(**palettes["light"]), Colours(**palettes["dark"])
    scheme = values["scheme"]
    return Design(
        name=name,
        light=dark if scheme == "dark" else light,
        dark=light if scheme == "light" else dark,
        **values,
    ), faults


def _checked(layer: Layer, faults: list[ThemeRemark]) -> Iterator[tuple[str, Any]]:
    """Yield the usable keys and values of one file, colours as `light.accent`."""
    if DESIGN_FILE not in layer.files:
        return
    where = layer.where(DESIGN_FILE)
    try:
        raw = tomllib.loads(layer.files[DESIGN_FILE])
    except tomllib.TOMLDecodeError as error:
        faults.append(ThemeRemark(where, f"is not TOML: {error}"))
        return
    for key, value in _flat(raw):
        check = _KEYS.get(key)
        if check is None:
            faults.append(ThemeRemark(where, f"{key} is not a key of a theme", f"known are {', '.join(_KEYS)}"))
        elif check.good(value):
            yield key, _long(value) if "." in key else value
        else:
            faults.append(ThemeRemark(where, f"{key} = {str(value)[:80]!r} cannot be used", check.allowed))


def _flat(raw: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for key, value in raw.items():
        if isinstance(value, dict) and key in ("light", "dark"):
            for colour, shade in value.items():
                yield f"{key}.{colour}", shade
        else:
            yield key, value


def _icon(layer: Layer, chain: tuple[Layer, ...], value: str, faults: list[ThemeRemark], *, instead: str) -> str:
    if value == "none" or value in ICONS:
        return ICONS.get(value, "")
    source = next((each.files[value] for each in (layer, *chain) if value in each.files), None)
    if source is None:
        faults.append(
            ThemeRemark(layer.where(DESIGN_FILE), f"icon = {value!r}: the theme has no such file", _ICON_ALLOWED)
        )
        return instead
    try:
        return clean_icon(source)
    except IconRefused as refused:
        faults.append(ThemeRemark(layer.where(value), str(refused), "an SVG of shapes alone"))
        return instead


def _long(colour: str) -> str:
    digits = colour[1:].lower()
    return "#" + ("".join(each * 2 for each in digits) if len(digits) == 3 else digits)


def _luminance(colour: str) -> float:
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


class _Check(NamedTuple):
    good: Callable[[Any], bool]
    allowed: str


def _number(highest: int) -> _Check:
    return _Check(
        lambda value: isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= highest,
        f"a whole number of CSS pixels from 0 to {highest}",
    )


def _one_of(*words: str) -> _Check:
    return _Check(lambda value: isinstance(value, str) and value in words, "one of " + ", ".join(words))


def _text(pattern: re.Pattern[str], allowed: str) -> _Check:
    return _Check(lambda value: isinstance(value, str) and pattern.fullmatch(value) is not None, allowed)


_ICON_ALLOWED = f"one of {', '.join(ICONS)}, none, or the name of an .svg file beside theme.toml"
_KEYS: dict[str, _Check] = {
    "scheme": _one_of("auto", "light", "dark"),
    "corner": _one_of(*CORNERS),
    "offset_x": _number(200),
    "offset_y": _number(200),
    "radius": _number(40),
    "font": _text(_FONT, "font families between commas, without quotes, as system-ui, Segoe UI, sans-serif"),
    "icon": _Check(
        lambda value: (
            isinstance(value, str) and (value == "none" or value in ICONS or bool(_ICON_FILE.fullmatch(value)))
        ),
        _ICON_ALLOWED,
    ),
    **{
        f"{scheme}.{colour}": _text(_COLOUR, "a colour as #rgb or #rrggbb")
        for scheme in ("light", "dark")
        for colour in Colours._fields
    },
}
