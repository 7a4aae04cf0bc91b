"""Everything a visitor sees that is made from templates: the launcher, the closed page and the error page."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from functools import cache, partial
from hashlib import blake2b
from typing import Any, NamedTuple

from markupsafe import Markup

from widget import __version__
from widget.domain.decision import Decision
from widget.domain.instead import Way
from widget.settings import EntryPointSettings, Settings
from widget.texts import SOURCE, Texts
from widget.themes import DEFAULT, Themes
from widget.themes.design import Design
from widget.themes.icons import IconRefused
from widget.web.edge.origins import origin_of
from widget.web.pages.contexts import ClosedContext, ErrorContext, LauncherContext, PanelContext
from widget.web.pages.decision_words import CHAT_WITH_US, DecisionWords, wants_message
from widget.web.pages.other_ways import OtherWay, as_json, other_ways
from widget.web.pages.reasons_and_faults import SEND_AGAIN, can_try_again, words_for_fault, words_for_reason
from widget.web.pages.templating import TemplateFault, Templates, log_failure
from widget.web.pages.theme_sheets import EXTRA_SHEETS, SCHEMES, Scheme, ThemeSheets
from widget.web.public.caching import rfc3339


class Pages:
    """Render pages; `clock` is asked only for the words of an opening time ("Monday", or a date)."""

    def __init__(
        self,
        settings: Settings,
        themes: Themes,
        texts: Texts,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        on_failure: Callable[[TemplateFault], None] = log_failure,
    ) -> None:
        self.settings, self.themes, self.texts = settings, themes, texts
        self._words = DecisionWords(texts, settings.zones(), clock)
        self._templates = Templates(themes, texts, on_failure=on_failure)
        self.edition = _edition(settings, themes, texts)
        self._designs = {
            (name, scheme): _in_scheme(themes.designs[name], scheme) for name in themes.names for scheme in SCHEMES
        }
        self._panel = cache(self._render_panel)  # of each entry point, theme and language
        self.logo_faults: dict[str, str] = {}  # by entry point
        self._logos = {name: self._logo(name, each) for name, each in settings.entry_points.items()}
        self._allowed = {name: _frame_allow(each) for name, each in settings.entry_points.items()}
        self.sheets = ThemeSheets(themes, self.render)
        for theme in filter(themes.changed, themes.names):
            self.sheets.make(theme, "auto")  # a fault in what an operator wrote is told at the start

    def warm_up(self) -> None:
        """Make what no start waits for; call it in a thread. Who needs a part of it before waits for that part."""
        self.texts.warm_up()
        self._templates.warm_up()
        self.sheets.make_all()

    def theme(self, asked: str | None, *, entry_point: str) -> str:
        """Return the theme asked for if there is one of that name, else the entry point's own."""
        own = self.settings.entry_points.get(entry_point)
        return self.themes.resolve(asked, own.theme if own else DEFAULT)

    def language(self, asked: str | None) -> str:
        """Return the language of ours that is nearest to the tag asked for."""
        return self.texts.negotiate(asked)

    def instead(self, decision: Decision, *, language: str) -> str:
        """Return the JSON of what a decision offers instead of a chat, for the status, in a language."""
        return as_json(self._other_ways(decision.instead, decision.entry_point, language, ""))

    def launcher(self, decision: Decision, *, theme: str, language: str) -> str:
        """Return the launcher's fragment for one decision."""
        entry_point = self.settings.entry_points[decision.entry_point]
        context = self.launcher_context(decision, entry_point=entry_point, theme=theme, language=language)
        return self.render("launcher.html", context, theme=theme, language=language)

    def launcher_context(
        self,
        decision: Decision,
        *,
        entry_point: EntryPointSettings,
        theme: str,
        language: str,
        scheme: Scheme = "auto",
    ) -> LauncherContext:
        corner = self.themes.designs[theme].corner_in(self.texts.language(language).locale.text_direction)
        wait, place = self._words.queue(decision, language)
        label = self._label(entry_point, language)
        logo = self._logos[decision.entry_point]
        panel = PanelContext(corner, label, logo, self._allowed[decision.entry_point])
        message = ""
        if not decision.show and wants_message(entry_point, decision.state):
            message = self._words.message(decision, language)
        ways = self._other_ways(decision.instead, decision.entry_point, language, theme)
        tells = bool(message) and entry_point.tell_me
        greeting, after = self._greeting(decision, entry_point, language)
        needed = (bool(message and ways) or tells, bool(greeting))
        extra = tuple(sheet for sheet, wanted in zip(EXTRA_SHEETS, needed, strict=True) if wanted)
        return LauncherContext(
            entry_point=decision.entry_point,
            show=decision.show,
            state=decision.state.value,
            reason=decision.reason.value if decision.reason else "",
            wait_time=_or_empty(decision.wait_time),
            queue_depth=_or_empty(decision.queue_depth),
            position=_or_empty(decision.position),
            capacity=_or_empty(decision.capacity),
            opens_at=rfc3339(decision.opens_at),
            as_of=rfc3339(decision.as_of),
            next_check=decision.next_check,
            stale_for=f"{self.settings.ece.stale_for:g}",
            response=decision.response.value,
            instead=as_json(ways),
            open_in=entry_point.open_in,
            corner=corner,
            label=label,
            logo=logo,
            wait=wait if decision.show else "",
            place=place if decision.show else "",
            message=message,
            ways=ways,
            tell_me=tells,
            greeting=greeting,
            greeting_after=after,
            announce=self._words.announcement(decision, wait, place, language) if decision.show else message,
            css=self.sheets.launcher(theme, corner, scheme, extra),
            panel=self._panel(panel, theme, language, scheme),
        )

    def closed(self, decision: Decision, *, theme: str, language: str, scheme: Scheme = "auto") -> str:
        """Return the page that says why there is no chat, and when there will be."""
        context = ClosedContext(
            entry_point=decision.entry_point,
            state=decision.state.value,
            reason=decision.reason.value if decision.reason else "other",
            heading=self.texts.gettext(language, words_for_reason(decision.reason).heading),
            why=self._words.why(decision, language),
            advice=self._words.advice(decision, language),
            opening=self._words.opening(decision, language),
            zone=self._words.zone(decision, language),
            opens_at=rfc3339(decision.opens_at),
            ways=self._other_ways(decision.instead, decision.entry_point, language, theme),
        )
        return self.render("closed.html", context, theme=theme, language=language, scheme=scheme)

    def error(
        self,
        *,
        status: int,
        code: str,
        request_id: str,
        theme: str,
        language: str,
        scheme: Scheme = "auto",
        posted: bool = False,
        entry_point: str = "",
        ways: Iterable[Way] = (),
    ) -> str:
        """Return the page for a fault, in the same words at every address; `ways` are those of the entry point."""
        words, say = words_for_fault(status, code), partial(self.texts.gettext, language)
        again, advice = can_try_again(status), say(words.advice)
        context = ErrorContext(
            status=status,
            code=code,
            heading=say(words.heading),
            why=say(words.why),
            advice=f"{advice} {say(SEND_AGAIN)}" if again and posted else advice,
            again=again and not posted,
            request_id=request_id,
            ways=self._other_ways(ways, entry_point, language, theme),
        )
        return self.render("error.html", context, theme=theme, language=language, scheme=scheme)

    def _other_ways(self, ways: Iterable[Way], entry_point: str, language: str, theme: str) -> tuple[OtherWay, ...]:
        say = partial(self.texts.gettext, language)
        return other_ways(ways, self.settings, entry_point=entry_point, language=language, theme=theme, say=say)

    def render(self, template: str, context: NamedTuple, *, theme: str, language: str, scheme: Scheme = "auto") -> str:
        """Render any template with the fields of `context` and what every template has."""
        return self.render_values(template, context._asdict(), theme=theme, language=language, scheme=scheme)

    def render_values(
        self, template: str, values: Mapping[str, Any], *, theme: str, language: str, scheme: Scheme = "auto"
    ) -> str:
        """Render a template with `values` and what every template has."""
        given = {
            **values,
            "lang": language,
            "dir": self.texts.language(language).locale.text_direction,
            "theme": theme,
            "design": self._designs[theme, scheme],
            "stylesheet": partial(self.sheets.url, theme, scheme=scheme),
        }
        return self._templates.render(template, theme=theme, language=language, values=given)

    def faults(self) -> tuple[TemplateFault, ...]:
        """Return the templates that have failed so far; the shipped ones are used in their place."""
        return tuple(self._templates.failures)

    def _render_panel(self, context: PanelContext, theme: str, language: str, scheme: Scheme) -> Markup:
        """Return the markup of the docked chat and the survey's dialog."""
        html = self.render("panel.html", context, theme=theme, language=language, scheme=scheme)
        return Markup(html)  # noqa: S704 — a template's output, escaped there

    def _greeting(self, decision: Decision, entry_point: EntryPointSettings, language: str) -> tuple[str, str]:
        """Return the words and after how many milliseconds they are shown; empty where nobody is greeted now."""
        if not decision.greets or entry_point.greeting is None:
            return "", ""
        return entry_point.greeting.text.pick(language, SOURCE)[1], f"{entry_point.greeting.after * 1000:.0f}"

    def _label(self, entry_point: EntryPointSettings, language: str) -> str:
        if entry_point.label is None:
            return self.texts.gettext(language, CHAT_WITH_US)
        return entry_point.label.pick(language, SOURCE)[1]

    def _logo(self, name: str, entry_point: EntryPointSettings) -> Markup:
        """Return the logo as markup; what cannot be used is noted, and the theme's icon stands in."""
        if entry_point.logo is None:
            return Markup()
        try:
            svg = self.themes.drawing(self.themes.resolve(entry_point.theme), entry_point.logo)
        except IconRefused as refused:
            self.logo_faults[name] = str(refused)
            return Markup()
        return Markup(svg)  # noqa: S704 — written anew from a list of shapes


def _edition(settings: Settings, themes: Themes, texts: Texts) -> bytes:
    """Return a digest of all that a launcher is made of beside its decision; alike on every machine of a fleet."""
    digest = blake2b(f"{__version__} {settings.server.public_url}".encode())
    for theme in themes.names:
        for layer in themes.chains[theme]:
            digest.update(repr((theme, layer.owner, sorted(layer.files.items()))).encode())
    digest.update(texts.digest)
    for name, entry_point in sorted(settings.entry_points.items()):
        digest.update(repr((name, entry_point.model_dump_json(fallback=repr, warnings=False))).encode())
    return digest.digest()


def _in_scheme(design: Design, scheme: Scheme) -> Design:
    """Return the design with one scheme for everybody, as the preview shows it; `auto` leaves it as it is."""
    if scheme == "auto":
        return design
    colours = design.light if scheme == "light" else design.dark
    return design._replace(light=colours, dark=colours, scheme=scheme)


def _frame_allow(entry_point: EntryPointSettings) -> str:
    """Return the attribute `allow` of the chat's frame (HTML, "the iframe element").

    ECE's origin is named, since a feature without one is for the origin of the frame's first address, which is ours.
    """
    origin = origin_of(entry_point.chat_url)
    return "; ".join(f"{feature} {origin}" for feature in dict.fromkeys(entry_point.frame_allow))


def _or_empty(value: int | None) -> int | str:
    return "" if value is None else value
