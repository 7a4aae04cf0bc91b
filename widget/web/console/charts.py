"""Charts as SVG, lines and grids: colours come from classes of console.css alone, and so follow the colour scheme.

An own module, since the libraries that draw SVG do not do what these pages need: pygal puts a `style` and a `script`
element into each chart and matplotlib `style` attributes, which the policy of these pages refuses; both choose the
colours when they draw, not where the chart is seen, and know no writing from right to left.

Every chart is named by `aria-label`; what it shows stands in a table below it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

from markupsafe import Markup, escape

_LINE_WIDTH, _LINE_HEIGHT = 240, 48
_LABELS, _HEAD, _CELL, _GAP = 44, 18, 26, 2


class Point(NamedTuple):
    """A number at a place on the time axis, `at` from 0 to 1; None is a gap in the line."""

    at: float
    number: float | None


class Cell(NamedTuple):
    """One field of a grid: shares of its width (0 to 1) by tone from the start, what it says on it and about it."""

    parts: tuple[tuple[str, float], ...]
    title: str
    text: str = ""


def line(points: Sequence[Point], *, name: str, highest: float, mirrored: bool = False) -> Markup:
    """Draw a line over time from 0 to `highest`; one that has no numbers is empty."""
    top = max(highest, 1)
    shapes = []
    for is_gap, run in groupby(points, key=lambda point: point.number is None):
        if is_gap:
            continue
        places = [
            (_across(each.at * _LINE_WIDTH, 0, _LINE_WIDTH, mirrored), _height(each.number or 0, top)) for each in run
        ]
        if len(places) == 1:  # a line needs two ends
            places.append((places[0][0] + 1, places[0][1]))
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        first, last = places[0][0], places[-1][0]
        shapes.append(f'<polygon class="area" points="{first:.1f},{_LINE_HEIGHT} {path} {last:.1f},{_LINE_HEIGHT}"/>')
        shapes.append(f'<polyline class="stroke" points="{path}"/>')
    return Markup(  # noqa: S704 - numbers, and names that are escaped
        f'<svg class="chart line" viewBox="0 0 {_LINE_WIDTH} {_LINE_HEIGHT}" preserveAspectRatio="none" '
        f'role="img" aria-label="{escape(name)}">{"".join(shapes)}</svg>'
    )


def grid(
    rows: Sequence[tuple[str, Sequence[Cell | None]]], columns: Sequence[str], *, name: str, mirrored: bool
) -> Markup:
    """Draw fields in rows under the names of the columns; None is a field that does not exist."""
    width, height = _LABELS + _CELL * len(columns), _HEAD + _CELL * len(rows)
    shapes = []
    for at, column in enumerate(columns):
        x = _across(_LABELS + at * _CELL + _CELL / 2, 0, width, mirrored)
        shapes.append(f'<text class="name" x="{x:g}" y="12" text-anchor="middle">{escape(column)}</text>')
    for row, (label, cells) in enumerate(rows):
        y = _HEAD + row * _CELL
        x = _across(_LABELS - 8, 0, width, mirrored)
        shapes.append(f'<text class="name" x="{x:g}" y="{y + 17}" text-anchor="end">{escape(label)}</text>')
        for column_at, cell in enumerate(cells):
            if cell is not None:
                shapes += _field(cell, _LABELS + column_at * _CELL, y, width, mirrored)
    return Markup(  # noqa: S704 - numbers, and names that are escaped
        f'<svg class="chart grid" viewBox="0 0 {width} {height}" role="img" aria-label="{escape(name)}">'
        f"{''.join(shapes)}</svg>"
    )


def _field(cell: Cell, x: int, y: int, width: int, mirrored: bool) -> Iterator[str]:
    size = _CELL - _GAP
    yield f"<g><title>{escape(cell.title)}</title>"
    left = _across(x, size, width, mirrored)
    yield f'<rect class="none" x="{left:g}" y="{y}" width="{size}" height="{size}" rx="4"/>'
    start = 0.0
    for tone, share in cell.parts:
        length = size * share
        corner = ' rx="4"' if share >= 1 else ""
        left = _across(x + start, length, width, mirrored)
        yield (f'<rect class="{escape(tone)}" x="{left:.2f}" y="{y}" width="{length:.2f}" height="{size}"{corner}/>')
        start += length
    if cell.text:
        middle = _across(x + size / 2, 0, width, mirrored)
        yield f'<text class="value" x="{middle:g}" y="{y + 16}" text-anchor="middle">{escape(cell.text)}</text>'
    yield "</g>"


def _height(number: float, top: float) -> float:
    return _LINE_HEIGHT - 2 - (_LINE_HEIGHT - 6) * min(number / top, 1)


def _across(x: float, length: float, width: float, mirrored: bool) -> float:
    """Return where something of this length begins, from the other side for languages written from the right."""
    return width - x - length if mirrored else x
