"""`GET /preview`, for designers: all that visitors see, in every state, side by side.

States are chosen in a plain form, which works without script; with it, a choice is shown at once. Each picture is a
frame of our own origin, so that it has its own width, language and direction; only this page may frame it. Every value
of the query is looked up in a list; unknown ones are ignored.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import product
from types import MappingProxyType
from typing import NamedTuple, Protocol
from urllib.parse import urlencode

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from widget.domain.decision import Decision
from widget.domain.evaluation import State
from widget.settings import EntryPointSettings
from widget.themes import DEFAULT
from widget.web.designers.reasons import drawn, explain
from widget.web.designers.samples import STATE_WORDS, STATES, sample
from widget.web.edge.headers import nonce
from widget.web.pages.pages import Pages
from widget.web.pages.static_files import script_route
from widget.web.pages.theme_sheets import SCHEMES, Scheme

MOST_FRAMES = 60
WIDTHS = ("320", "400", "768", "1200")
BUTTON_WHEN_CLOSED = ("message", "as set", "hide")
# Pictures of what stands over a page, and the time that `static/preview.js` puts up of them.
PANELS = {
    "dock": "open",
    "dock loading": "loading",
    "dock late": "late",
    "dock refused by the page": "refused",
    "dock before it closes": "close",
    "dock folded": "folded",
    "survey in a dialog": "survey",
}
BLOCKED = "pop-up blocked"
ERRORS = {"404": "unknown_entry_point", "429": "rate_limited", "500": "internal_error", "503": "unavailable"}
_NOW_WORDS = {State.AVAILABLE: "open", State.UNAVAILABLE: "closed", State.UNKNOWN: "not known"}
_FIRST_STATES = ("available", "queue_depth_reached", "outside_hours")


class DrawSurvey(Protocol):
    """Return one page of a survey as it would be served."""

    def __call__(self, *, theme: str, language: str, scheme: Scheme) -> str: ...


Decide = Callable[[str], Awaitable[Decision]]
Guard = Callable[[Request], None]


class Choice(NamedTuple):
    """One list of the form: its name in the query, the values to choose from, those that are chosen."""

    name: str
    label: str
    options: tuple[str, ...]
    chosen: tuple[str, ...]
    several: bool = True
    words: Mapping[str, str] = MappingProxyType({})  # for values that are no words


class Frame(NamedTuple):
    caption: str
    src: str
    width: str
    height: int
    why: str


class Now(NamedTuple):
    """An entry point as visitors see it now."""

    entry_point: str
    state: str
    why: str


class Preview:
    """All that a designer may choose from, and the pictures of it.

    `surveys` are further pages by name, `decide` returns the decision of now, `guard` admits operators, `script` is
    `static/preview.js`.
    """

    def __init__(
        self,
        pages: Pages,
        *,
        clock: Callable[[], datetime],
        surveys: Sequence[tuple[str, DrawSurvey]] = (),
        decide: Decide | None = None,
        guard: Guard = lambda request: None,
        script: bytes = b"",
    ) -> None:
        self._pages, self._clock, self._decide, self._guard = pages, clock, decide, guard
        self._surveys = dict(surveys)
        self._entry_points = tuple(pages.settings.entry_points)
        self._kinds = (
            *("launcher", *PANELS, BLOCKED, "closed"),
            *(f"error {status}" for status in ERRORS),
            *self._surveys,
        )
        self._script = script_route("preview", script)
        self.script_url = self._script.path

    def routes(self) -> list[Route]:
        return [
            Route("/preview", self.page, methods=["GET"], name="preview"),
            Route("/preview/frame", self.frame, methods=["GET"], name="preview_frame"),
            self._script,
        ]

    async def page(self, request: Request) -> Response:
        """Answer with the form and the frames that it asks for."""
        self._guard(request)
        choices = self._choices(request)
        wanted = list(self._frames(choices))
        seen = [each for each in wanted if each.height]
        values = {
            "choices": choices.values(),
            "frames": seen[:MOST_FRAMES],
            "hidden": [each for each in wanted if not each.height][:MOST_FRAMES],
            "left_out": max(0, len(seen) - MOST_FRAMES),
            "script_url": self.script_url,
            "nonce": nonce(),
            "now": await asyncio.gather(*map(self._at_this_moment, self._entry_points)) if self._decide else (),
        }
        return HTMLResponse(self._pages.render_values("preview.html", values, theme=DEFAULT, language="en"))

    async def frame(self, request: Request) -> Response:
        """Answer with one picture."""
        self._guard(request)
        picked = {name: choice.chosen[0] for name, choice in self._choices(request).items()}
        theme, language, scheme = picked["theme"], picked["locale"], _scheme(picked["scheme"])
        kind = picked["show"]
        if "alone" in request.query_params:
            html = self._host_page(language, scheme)
        elif kind in ("launcher", BLOCKED, *PANELS):
            html = self._launcher(picked, scheme)
        elif kind == "closed":
            html = self._pages.closed(self._decision(picked), theme=theme, language=language, scheme=scheme)
        elif kind in self._surveys:
            html = self._surveys[kind](theme=theme, language=language, scheme=scheme)
        else:
            status = kind.removeprefix("error ")
            html = self._pages.error(
                status=int(status),
                code=ERRORS[status],
                request_id="preview",
                theme=theme,
                language=language,
                scheme=scheme,
            )
        return HTMLResponse(html)

    def _choices(self, request: Request) -> dict[str, Choice]:
        themes, languages = self._pages.themes.names, self._pages.texts.languages
        lists = (
            Choice("show", "Page", self._kinds, ("launcher", "closed")),
            Choice("state", "State", STATES, _FIRST_STATES, words=STATE_WORDS),
            Choice("theme", "Theme", themes, themes),
            Choice("locale", "Language", languages, ("en",)),
            Choice("scheme", "Colours", SCHEMES[1:], ("light", "dark")),
            Choice("width", "Width", WIDTHS, ("400",)),
            Choice("entry_point", "Entry point", self._entry_points, self._entry_points[:1], several=False),
            Choice("button", "Button when closed", BUTTON_WHEN_CLOSED, BUTTON_WHEN_CLOSED[:1], several=False),
        )
        return {each.name: _chosen(each, request.query_params.getlist(each.name)) for each in lists}

    def _frames(self, choices: dict[str, Choice]) -> Iterator[Frame]:
        fixed = {name: choices[name].chosen[0] for name in ("entry_point", "button")}
        varied = ("show", "state", "theme", "locale", "scheme", "width")
        for values in product(*(choices[name].chosen for name in varied)):
            picked = {**dict(zip(varied, values, strict=True)), **fixed}
            stateful = picked["show"] in ("launcher", "closed")
            if not stateful and picked["state"] != choices["state"].chosen[0]:
                continue  # an error page has no state, so it is shown once
            if picked["show"] == "closed" and picked["state"].startswith("available"):
                continue
            launcher = picked["show"] == "launcher"
            decision, entry_point = self._decision(picked), self._entry_point(picked)
            parts = [STATE_WORDS[picked[name]] if name == "state" else picked[name] for name in varied]
            if not stateful:
                del parts[varied.index("state")]
            yield Frame(
                caption=" · ".join([*parts, self._pages.texts.language(picked["locale"]).locale.text_direction]),
                src=f"/preview/frame?{urlencode(picked)}",
                width=picked["width"],
                height=_height(picked["show"], drawn(decision, entry_point)),
                why=explain(decision, entry_point) if launcher else "",
            )

    def _launcher(self, picked: dict[str, str], scheme: Scheme) -> str:
        """Return a customer's page with the launcher, or with what has taken its place."""
        theme, language, kind = picked["theme"], picked["locale"], picked["show"]
        decision = self._decision(picked if kind == "launcher" else {**picked, "state": STATES[0]})
        context = self._pages.launcher_context(
            decision, entry_point=self._entry_point(picked), theme=theme, language=language, scheme=scheme
        )
        fragment = self._pages.render("launcher.html", context, theme=theme, language=language, scheme=scheme)
        survey = next(iter(self._surveys), "")
        inside = {"show": survey} if kind == "survey in a dialog" and survey else {"alone": ""}
        return self._host_page(
            language,
            scheme,
            fragment=Markup(fragment),  # noqa: S704 — rendered with escaping on
            sheet=self._pages.sheets.launcher_url(theme, context.corner, scheme),
            panel=PANELS.get(kind, ""),
            src=f"/preview/frame?{urlencode({**picked, **inside})}",
            blocked=kind == BLOCKED,
        )

    def _host_page(
        self,
        language: str,
        scheme: Scheme,
        *,
        fragment: Markup | None = None,
        sheet: str = "",
        panel: str = "",
        src: str = "",
        blocked: bool = False,
    ) -> str:
        """Return a page of a customer's: with a launcher, with a panel over it whose frame shows `src`, or alone."""
        values = {
            "scheme": scheme,
            "script_url": self.script_url,
            "nonce": nonce(),
            "fragment": fragment,
            "sheet": sheet,
            "panel": panel,
            "src": src,
            "blocked": blocked,
        }
        return self._pages.render_values("preview_host.html", values, theme=DEFAULT, language=language, scheme=scheme)

    def _decision(self, picked: dict[str, str]) -> Decision:
        return sample(
            picked["state"],
            entry_point=picked["entry_point"],
            settings=self._entry_point(picked),
            now=self._clock(),
        )

    def _entry_point(self, picked: dict[str, str]) -> EntryPointSettings:
        settings = self._pages.settings.entry_points[picked["entry_point"]]
        match picked["button"]:
            case "hide":
                return settings.model_copy(update={"when_unavailable": "hide", "when_unknown": "hide"})
            case "message":
                return settings.model_copy(update={"when_unavailable": "message", "when_unknown": "message"})
            case _:
                return settings

    async def _at_this_moment(self, entry_point: str) -> Now:
        assert self._decide is not None
        decision = await self._decide(entry_point)
        reason = f": {STATE_WORDS[decision.reason.value]}" if decision.reason else ""
        return Now(
            entry_point=entry_point,
            state=_NOW_WORDS[decision.state] + reason,
            why=explain(decision, self._pages.settings.entry_points[entry_point]),
        )


def _chosen(choice: Choice, asked: Sequence[str]) -> Choice:
    """Return the wanted values that are in the list, in its order; the usual choice when none is."""
    known = tuple(each for each in choice.options if each in asked)
    return choice._replace(chosen=known if choice.several else known[:1]) if known else choice


def _height(kind: str, seen: str) -> int:
    """Return the height of a picture in CSS pixels, 0 where there is nothing to see."""
    if kind == "launcher" and seen == "Hidden":
        return 0
    return 220 if kind in ("launcher", "dock folded") else 260 if kind == BLOCKED else 620


def _scheme(name: str) -> Scheme:
    return next(each for each in SCHEMES if each == name)
