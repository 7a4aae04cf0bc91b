"""What the public answers cost, against a bare callable and a bare route with the same bytes on the same server."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from pathlib import Path

from tests.bench.figures import Figure, at_least
from tests.bench.load import Target, burst, compare
from tests.bench.product import RunningProduct, bare, names, running_product

THEMES = ("default", "civic", "bold")
LOCALES = ("en", "de", "fr", "es", "it", "pt-BR", "nl", "pl", "ar", "ja")
FRESH_FOR = 5  # seconds
MANY_PAIRS = 15
NEVER = 3600.0  # a `fresh_for` that keeps refreshes out of the measurement


def measure(folder: Path) -> Iterator[Figure]:
    """Compare rates in alternated bursts."""
    with running_product(folder) as ours:
        status, launcher = Target(ours.url("/v1/status/sales")), Target(ours.url("/v1/launcher/sales?locale=de&theme="))
        with bare(folder, ours, "/v1/status/sales", "callable_app") as port:
            ratio = compare(status, Target(f"http://127.0.0.1:{port}/v1/status/sales"))
            yield at_least("status / bare ASGI callable", ratio, 1.3)
        with bare(folder, ours, "/v1/status/sales", "starlette_app") as port:
            ratio = compare(status, Target(f"http://127.0.0.1:{port}/v1/status/sales"))
            yield at_least("status / bare Starlette route", ratio, 0.95)
        yield at_least("launcher / our status", compare(launcher, status), 0.85)
    with running_product(folder, fresh_for=NEVER) as ours:
        status = Target(ours.url("/v1/status/sales"))
        tag = ours.get("/v1/status/sales")[1]["etag"]
        yield at_least("304 / our 200", compare(Target(status.url, (f"if-none-match: {tag}",)), status), 1.0)
        yield Figure("status, answers a second (this machine, now)", f"{burst(status):,.0f}")
    yield from _many(folder)


def _many(folder: Path) -> Iterator[Figure]:
    # Both sides let the generator choose a path for each request, so that its own cost is on both.
    paths = _paths(names(200))
    script = _script(folder, paths)
    with (
        running_product(folder, fresh_for=NEVER) as one,
        running_product(folder, entry_points=200, fresh_for=NEVER) as many,
    ):
        length = statistics.mean(_lengths(many, paths).values())
        # Themes and languages differ in length. That one which is as long as all are on average, so that what is
        # compared is how many there are.
        lengths = _lengths(one, _paths(names(1)))
        same = min(lengths, key=lambda path: abs(lengths[path] - length))
        single = _script(folder, [same])
        ratio = compare(Target(many.url("/"), script=script), Target(one.url("/"), script=single), pairs=MANY_PAIRS)
        yield at_least("200 entry points × 3 themes × 10 locales / one, refreshes paused", ratio, 0.95)
        with bare(folder, one, same, "callable_app") as port:
            against = compare(Target(many.url("/"), script=script), Target(f"http://127.0.0.1:{port}/", script=single))
        yield at_least("the same / bare ASGI callable with the bytes of one of them", against, 0.70)
    with (
        running_product(folder, fresh_for=NEVER) as one,
        running_product(folder, entry_points=200, fresh_for=FRESH_FOR) as many,
    ):
        _lengths(many, paths)
        # Each burst as long as `fresh_for`, so that every entry point is refreshed once in each.
        both = Target(many.url("/"), script=script), Target(one.url("/"), script=single)
        ratio = compare(*both, seconds=FRESH_FOR)
        yield at_least("the same, all 200 refreshed every 5 s", ratio, 0.65)
        many.ece("/mode/lively")
        lively = compare(*both, seconds=FRESH_FOR)
        shown = f"{lively.median:.2f} ({lively.low:.2f}-{lively.high:.2f}), best/best {lively.best:.2f}"
        yield Figure("the same, with other numbers from ECE at every call", shown)


def _paths(entry_points: list[str]) -> list[str]:
    return [
        f"/v1/launcher/{name}?locale={locale}&theme={theme}"
        for name in entry_points
        for theme in THEMES
        for locale in LOCALES
    ]


def _lengths(ours: RunningProduct, paths: list[str]) -> dict[str, int]:
    """Visit all; give the bytes of each."""
    return {path: len(ours.get(path)[0]) for path in paths}


def _script(folder: Path, paths: list[str]) -> Path:
    """Have wrk walk through the paths in an order that jumps between entry points."""
    script = folder / f"paths-{len(paths)}.lua"
    listed = ",\n".join(f'"{path}"' for path in paths)
    script.write_text(
        f"local paths = {{\n{listed}\n}}\nlocal at = 0\n"
        "function init(args) for i, path in ipairs(paths) do paths[i] = wrk.format('GET', path) end end\n"
        "request = function() at = (at + 1973) % #paths; return paths[at + 1] end\n",
        encoding="utf-8",
    )
    return script
