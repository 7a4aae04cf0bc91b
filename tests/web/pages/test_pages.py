"""The launcher, the closed page and the error page, rendered by themes, in every state and language."""

from __future__ import annotations

import gzip
import io
import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from time import thread_time
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from widget import settings
from widget.domain.decision import Decision
from widget.domain.readings import Reason
from widget.texts import Texts
from widget.themes import Themes
from widget.web.designers.findings import findings, log_findings
from widget.web.designers.samples import STATES, sample
from widget.web.pages.pages import Pages
from widget.web.pages.reasons_and_faults import REASONS
from widget.web.pages.static_files import compact, without_unused
from widget.web.pages.templating import TemplateFault

NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)
THEMES = ("default", "bold", "civic", "text")
TEXTS = Texts.load()
MADE: dict[str, Pages] = {}
VOID = frozenset({"meta", "link", "br", "path", "circle", "input"})
# What widget.js reads from the root; empty where there is nothing.
ATTRIBUTES = [
    "class",
    "lang",
    "dir",
    "data-entry-point",
    "data-show",
    "data-state",
    "data-reason",
    "data-wait-time",
    "data-queue-depth",
    "data-position",
    "data-capacity",
    "data-opens-at",
    "data-as-of",
    "data-next-check",
    "data-stale-for",
    "data-response",
    "data-open-in",
    "data-corner",
    "data-announce",
    "data-label-link",
]


class Markup(HTMLParser):
    """Elements in order with their attributes; fails on what is not closed."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self._open: list[str] = []
        self.feed(source)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if "template" not in self._open:
            self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if "template" not in self._open:
            self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if data.strip() and "template" not in self._open:  # templates are inert
            self.words.append(data.strip())

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture
def build(table: dict[str, Any], tmp_path: Path) -> Callable[..., Pages]:
    """Return pages over an operator's files and the settings of `sales`; those without files are made once."""

    def make(
        files: dict[str, str] | None = None, *, failures: list[TemplateFault] | None = None, **sales: Any
    ) -> Pages:
        for name, content in (files or {}).items():
            file = tmp_path / "themes" / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(content, encoding="utf-8")
        table["entry_points"]["sales"].update(sales)
        if not files and (made := MADE.get(repr(sales))):
            return made
        told = failures if failures is not None else []
        pages = Pages(
            settings.parse(table),
            Themes.load(tmp_path / "themes"),
            Texts.load(tmp_path / "themes") if (tmp_path / "themes" / "locales").is_dir() else TEXTS,
            clock=lambda: NOW,
            on_failure=told.append,
        )
        if not files:
            MADE[repr(sales)] = pages
        return pages

    return make


@pytest.fixture
def pages(build: Callable[..., Pages]) -> Pages:
    return build()


def state(name: str, pages: Pages) -> Decision:
    return sample(name, entry_point="sales", settings=pages.settings.entry_points["sales"], now=NOW)


def test_the_launcher_carries_the_decision_and_a_button(build: Callable[..., Pages]) -> None:
    pages = build()
    markup = Markup(pages.launcher(state("available", pages), theme="default", language="en"))
    root = markup.elements[0][1]
    assert list(root) == ATTRIBUTES
    assert root["data-show"] == "true"
    assert (root["data-wait-time"], root["data-queue-depth"], root["data-position"]) == ("240", "2", "3")
    assert (root["data-reason"], root["data-capacity"], root["data-opens-at"]) == ("", "", "")
    assert root["data-as-of"] == "2026-11-24T08:00:00Z"
    assert root["data-announce"] == "Chat is available. Wait: about 4 minutes. You would be number 3."
    assert markup.words == ["Chat with us", "about 4 minutes", "You would be number 3"]
    assert markup.all("button") == [
        {"type": "button", "class": "ece-chat-button", "part": "button", "aria-haspopup": "dialog"}
    ]
    assert markup.all("template")[0] == {"class": "ece-chat-css"}


@pytest.mark.parametrize(
    ("numbers", "words"),
    [
        ({"wait_time": 0, "position": 1}, ["Chat with us", "Someone is free now"]),
        ({"wait_time": None, "position": 1}, ["Chat with us", "Someone is free now"]),
        ({"wait_time": 180, "position": 1}, ["Chat with us", "about 3 minutes"]),
        ({"wait_time": 0, "position": 2}, ["Chat with us", "less than a minute", "You would be number 2"]),
    ],
    ids=str,
)
def test_where_nobody_waits_the_words_are_friendly_and_name_no_place(
    build: Callable[..., Pages], numbers: dict[str, Any], words: list[str]
) -> None:
    pages = build()
    decision = replace(state("available", pages), **numbers)
    markup = Markup(pages.launcher(decision, theme="default", language="en"))
    assert markup.words == words
    assert "number 1." not in str(markup.elements[0][1]["data-announce"])


def test_each_entry_point_has_its_own_label_in_the_visitors_language(build: Callable[..., Pages]) -> None:
    pages = build(label={"en": "Ask our bike builders", "de": "Frag die Werkstatt"})

    def label(language: str) -> str:
        return Markup(pages.launcher(state("available", pages), theme="default", language=language)).words[0]

    assert [label("en"), label("de"), label("fr")] == [
        "Ask our bike builders",
        "Frag die Werkstatt",
        "Ask our bike builders",
    ]


def test_what_ece_did_not_say_is_not_shown(build: Callable[..., Pages]) -> None:
    pages = build()
    html = pages.launcher(state("available_no_numbers", pages), theme="default", language="en")
    markup = Markup(html)
    assert markup.words == ["Chat with us"]
    assert markup.elements[0][1]["data-announce"] == "Chat is available."
    assert 'class="ece-chat-wait"' not in html.rpartition("</template>")[2]


@pytest.mark.parametrize("reason", list(Reason))
def test_a_hidden_launcher_is_an_empty_root(build: Callable[..., Pages], reason: Reason) -> None:
    pages = build()
    markup = Markup(pages.launcher(state(reason.value, pages), theme="default", language="en"))
    assert {tag for tag, _ in markup.elements[1:]} == {"template"}
    assert markup.words == []
    root = markup.elements[0][1]
    assert (root["data-show"], root["data-reason"], root["data-announce"]) == ("false", reason.value, "")


@pytest.mark.parametrize("reason", list(Reason))
def test_a_message_says_why_in_place_of_the_button(build: Callable[..., Pages], reason: Reason) -> None:
    pages = build(when_unavailable="message", when_unknown="message")
    markup = Markup(pages.launcher(state(reason.value, pages), theme="default", language="en"))
    assert markup.words[0].startswith(REASONS[reason].why)
    assert markup.elements[0][1]["data-announce"] == markup.words[0]
    assert [each["class"] for each in markup.all("button")] == ["ece-chat-dismiss"]


def test_an_unknown_state_that_shows_does_not_claim_that_chat_is_available(build: Callable[..., Pages]) -> None:
    pages = build(when_unknown="show")
    markup = Markup(pages.launcher(state("ece_unreachable", pages), theme="default", language="en"))
    assert markup.elements[0][1]["data-announce"] == "Chat with us."
    assert markup.all("button")


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("language", TEXTS.languages)
def test_no_launcher_has_anything_a_strict_policy_blocks(
    build: Callable[..., Pages], theme: str, language: str
) -> None:
    pages = build(when_unavailable="message")
    for name in STATES:
        html = pages.launcher(state(name, pages), theme=theme, language=language)
        markup = Markup(html)
        assert {tag for tag, _ in markup.elements} <= {"div", "template", "button", "span", "svg", "path", "section"}
        assert not re.search(r"<style|<[^>]* (?:style|on[a-z]+)=", html)
        assert "url(" not in html
        assert "%" not in "".join(markup.words)
        assert markup.elements[0][1]["dir"] == TEXTS.language(language).locale.text_direction


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("language", TEXTS.languages)
def test_a_launcher_with_its_styles_is_small(build: Callable[..., Pages], theme: str, language: str) -> None:
    pages = build()
    html = pages.launcher(state("available", pages), theme=theme, language=language)
    usual = (theme, language) == ("default", "en")
    assert len(gzip.compress(html.encode(), 9)) <= (4_000 if usual else 4_500)


@pytest.mark.parametrize("theme", THEMES)
def test_every_launcher_sheet_resets_the_host_and_keeps_it_off_paper(build: Callable[..., Pages], theme: str) -> None:
    pages = build()
    sales = pages.settings.entry_points["sales"]
    context = pages.launcher_context(state("available", pages), entry_point=sales, theme=theme, language="en")
    css = str(context.css)
    assert css.startswith(":host{all:initial!important;")
    assert "@media print{:host{display:none!important}}" in css
    assert "color-scheme:inherit!important" in css
    assert "light-dark(" in css
    assert "env(safe-area-inset-bottom)" in css
    assert ":focus-visible" in css


def test_a_launcher_moves_to_the_other_side_where_people_read_from_the_right(build: Callable[..., Pages]) -> None:
    pages = build()
    html = pages.launcher(state("available", pages), theme="default", language="ar")
    assert 'data-corner="bottom-left"' in html
    assert "left:calc(var(--ece-chat-offset-x,20px) + env(safe-area-inset-left))" in html


def test_text_is_escaped_wherever_it_comes_from(build: Callable[..., Pages]) -> None:
    hostile = "<script>\"&'"
    catalog = 'msgid "Chat with us"\nmsgstr "<b onclick=x>"\n\nmsgid "Close"\nmsgstr "\\"><script>"\n'
    pages = build({"locales/en.po": catalog})
    html = pages.launcher(state("available", pages), theme="default", language="en")
    assert "<script>" not in html
    assert "<b onclick" not in html
    assert Markup(html).words[0] == "<b onclick=x>"
    page = pages.error(status=404, code=hostile, request_id=hostile, theme="default", language="en")
    assert "<script>" not in page


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("reason", list(Reason))
def test_the_closed_page_says_why_and_offers_to_try_again(
    build: Callable[..., Pages], theme: str, reason: Reason
) -> None:
    pages = build()
    html = pages.closed(state(reason.value, pages), theme=theme, language="en")
    markup = Markup(html)
    assert html.startswith("<!doctype html>")
    assert REASONS[reason].why in markup.words
    assert [each["href"] for each in markup.all("a")] == [""]
    assert markup.all("h1")
    assert markup.all("main")
    assert [each for _, each in markup.elements if "style" in each] == []
    assert {"script", "style", "img", "iframe"}.isdisjoint({tag for tag, _ in markup.elements})


def test_every_reason_has_words_of_its_own() -> None:
    assert set(REASONS) == set(Reason)
    assert len({words.why for words in REASONS.values()}) == len(Reason)


def test_the_closed_page_of_an_entry_point_without_hours_names_the_zone_of_the_moment_it_tells(pages: Pages) -> None:
    closed = replace(state("switched_off", pages), opens_at=NOW + timedelta(hours=1))
    page = pages.closed(closed, theme="default", language="en")
    assert '<span class="zone">Coordinated Universal Time</span>' in page


def test_the_closed_page_says_when_chat_opens_in_the_entry_points_time_zone(build: Callable[..., Pages]) -> None:
    pages = build(hours={"timezone": "Europe/Berlin", "monday": ["09:00-12:00"]})
    html = pages.closed(state("outside_hours", pages), theme="default", language="en")
    assert "Opens Wednesday at 10:00." in html
    assert 'datetime="2026-11-25T09:00:00Z"' in html
    assert "Central European Time" in html


@pytest.mark.parametrize(
    ("status", "code", "heading", "again"),
    [
        (404, "unknown_entry_point", "This chat does not exist", False),
        (404, "not_found", "Page not found", False),
        (429, "rate_limited", "One moment, please", True),
        (500, "internal_error", "Something went wrong", True),
        (503, "unavailable", "Not available right now", True),
        (422, "whatever", "That did not work", False),
        (502, "whatever", "Something went wrong", True),
    ],
)
def test_the_error_page_says_what_happened(
    build: Callable[..., Pages], status: int, code: str, heading: str, again: bool
) -> None:
    html = build().error(status=status, code=code, request_id="0123abcd", theme="default", language="en")
    markup = Markup(html)
    assert heading in markup.words
    assert "0123abcd" in markup.words
    assert bool(markup.all("a")) is again


@pytest.mark.anyio
@pytest.mark.parametrize("theme", THEMES)
async def test_style_sheets_are_served_under_names_that_never_change(pages: Pages, theme: str) -> None:
    app = Starlette(debug=False, routes=[pages.sheets.route()])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="https://chat.example.com") as client:
        address = pages.sheets.url(theme, "page.css")
        answer = await client.get(address)
        assert re.fullmatch(r"/assets/[0-9a-f]{16}/page\.css", address)
        assert address in pages.error(status=404, code="", request_id="", theme=theme, language="en")
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "text/css; charset=utf-8"
        assert answer.headers["cache-control"] == "max-age=31536000, immutable"
        assert "url(" not in answer.text
        assert (await client.get("/assets/0123456789abcdef/page.css")).status_code == 404
        assert (await client.get("/assets/../pyproject.toml")).status_code == 404


def test_themes_have_style_sheets_of_their_own(build: Callable[..., Pages]) -> None:
    pages = build()
    assert len({pages.sheets.url(theme, "page.css") for theme in THEMES}) == len(THEMES)


def test_an_operators_template_extends_the_one_it_replaces(build: Callable[..., Pages]) -> None:
    pages = build(
        {
            "default/closed.html": '{% extends "default:closed.html" %}{% block actions %}<p>Call us.{% endblock %}',
            "acme/closed.html": '{% extends "shipped:closed.html" %}{% block intro %}Acme{{ super() }}{% endblock %}',
            "acme/launcher.css": '{% extends "default:launcher.css" %}{% block look %}.acme{top:0}{% endblock %}',
        }
    )
    default = pages.closed(state("switched_off", pages), theme="default", language="en")
    assert "Call us." in default
    assert "Try again" not in default
    acme = pages.closed(state("switched_off", pages), theme="acme", language="en")
    assert "Acme" in acme
    assert "Call us." in acme  # the operator's default is the file that Acme's replaces
    assert ".acme{top:0}" in pages.launcher(state("available", pages), theme="acme", language="en")
    assert pages.faults() == ()


@pytest.mark.parametrize(
    ("template", "problem"),
    [
        ("{{ nothing_of_the_kind }}", "UndefinedError: 'nothing_of_the_kind' is undefined"),
        ("{% if %}", "line 1: TemplateSyntaxError"),
        ("{{ 1 // 0 }}", "ZeroDivisionError"),
        ('{% include "../../etc/passwd" %}', "TemplateNotFound"),
        (
            '{% extends "closed.html" %}',
            'refers to itself: closed.html → closed.html; ours is named "default:closed.html"',
        ),
        ('{% set it = "closed.html" %}\n{% include it %}', "line 2: RecursionError"),
        ('{{ "x" * 10**18 }}', "line 1: MemoryError"),
        ("{% for each in range(10**12) %}{% endfor %}", "line 1: OverflowError"),
        ("{{ _('%(x)s', y=1) }}", "KeyError"),
    ],
)
def test_a_template_that_fails_is_replaced_by_ours_and_told_once(
    build: Callable[..., Pages], template: str, problem: str
) -> None:
    told: list[TemplateFault] = []
    pages = build({"acme/closed.html": template}, failures=told)
    for _ in range(3):
        assert "Try again" in pages.closed(state("switched_off", pages), theme="acme", language="en")
    assert len(told) == 1
    assert problem in str(told[0])
    assert "acme/closed.html (theme acme)" in str(told[0])
    assert pages.faults() == tuple(told)


def test_a_base_that_fails_does_not_take_the_page_with_it(build: Callable[..., Pages]) -> None:
    pages = build({"default/_page.html": "{{ broken }}", "default/page.css": "{{ broken }}"})
    assert "Try again" in pages.closed(state("switched_off", pages), theme="default", language="en")
    pages.error(status=404, code="", request_id="", theme="bold", language="en")
    assert [(each.name, each.problem) for each in pages.faults()] == [
        ("default/page.css", "line 1: UndefinedError: 'broken' is undefined"),
        ("default/_page.html", "line 1: UndefinedError: 'broken' is undefined"),
    ]


def test_templates_that_include_each_other_are_refused_at_start(build: Callable[..., Pages]) -> None:
    told: list[TemplateFault] = []
    files = {
        "acme/launcher.css": '{% extends "launcher.css" %}',
        "acme/closed.html": '{% include "bits/foot.html" %}',
        "acme/bits/foot.html": '\n{% if opens_at %}{% include "closed.html" %}{% endif %}',
    }
    pages = build(files, failures=told)
    assert {each.problem.partition(";")[0] for each in told} == {
        "refers to itself: launcher.css → launcher.css",
        "refers to itself: bits/foot.html → closed.html → bits/foot.html",
        "refers to itself: closed.html → bits/foot.html → closed.html",
    }
    assert "Try again" in pages.closed(state("switched_off", pages), theme="acme", language="en")
    assert ".ece-chat-button{" in pages.launcher(state("available", pages), theme="acme", language="en")
    assert len(told) == 3


def test_a_template_that_failed_at_length_is_not_tried_again(build: Callable[..., Pages]) -> None:
    pages = build({"acme/closed.html": '{% set it = "closed.html" %}{% include it %}'})

    def seconds(times: int) -> float:
        start = thread_time()
        for _ in range(times):
            pages.closed(state("switched_off", pages), theme="acme", language="en")
        return thread_time() - start

    assert seconds(1) > seconds(10)


def test_a_style_sheet_of_the_operators_alone_that_fails_is_left_out(build: Callable[..., Pages]) -> None:
    pages = build({"acme/extra.css": "{{ broken }}"})
    sheet = pages.sheets.find(pages.sheets.url("acme", "extra.css"))
    assert sheet is not None
    assert sheet.body == b""
    assert "it is left out" in str(pages.faults()[0])


def test_findings_try_every_template_and_name_what_is_wrong(build: Callable[..., Pages]) -> None:
    assert findings(build(), now=NOW) == []
    pages = build({"acme/launcher.html": "{% if message %}{{ broken }}{% endif %}", "locales/de.po": "junk"})
    found = findings(pages, now=NOW)
    assert {(each.kind, each.about) for each in found} == {
        ("fault", "template"),
        ("fault", "theme"),  # where it does not fail it has no root
        ("fault", "text"),
        ("warning", "theme"),
    }


def test_a_theme_that_an_entry_point_names_and_nobody_made_is_a_fault(build: Callable[..., Pages]) -> None:
    found = findings(build(theme="unheard-of"), now=NOW)
    assert [each.kind for each in found] == ["fault"]
    assert 'entry_points.sales.theme = "unheard-of"' in found[0].words


def test_properties_that_nothing_uses_are_left_out() -> None:
    css = ":host{--ece-a:#fff;--ece-b:1px;--own:2px}p{margin:var(--ece-b)}@media x{:host{--ece-a:#000}}"
    assert without_unused(css) == ":host{--ece-b:1px;--own:2px}p{margin:var(--ece-b)}@media x{:host{}}"


def test_styles_are_made_compact_without_changing_them() -> None:
    css = '/* x */ a > b , c { color : red ; width: calc( 1px + 2px ) ; content: "a  ; /* b */" }\n'
    css += "@media (x: y) { d { e: f !important; } }"
    assert (
        compact(css)
        == 'a>b,c{color : red;width:calc( 1px + 2px );content:"a  ; /* b */"}@media (x:y){d{e:f!important}}'
    )


def test_the_example_of_custom_templates_works(configured: settings.Settings) -> None:
    folder = Path(__file__).resolve().parents[3] / "examples" / "custom-templates" / "themes"
    pages = Pages(configured, Themes.load(folder), Texts.load(folder), clock=lambda: NOW)
    assert findings(pages, now=NOW) == []
    html = pages.launcher(state("available", pages), theme="acme", language="en")
    assert "Ask Acme" in html
    assert "M4 17a8 8" in html
    assert 'data-corner="bottom-left"' in html
    assert "border-end-start-radius:4px" in html
    assert "tel:+4930123456" in pages.closed(state("switched_off", pages), theme="acme", language="sv")
    assert "Väntetid: ungefär 4 minuter" in pages.launcher(state("available", pages), theme="acme", language="sv")


def test_what_is_wrong_with_a_theme_is_logged_with_its_file(
    table: dict[str, Any], tmp_path: Path, log_lines: io.StringIO
) -> None:
    theme = tmp_path / "a-folder-with-a-name-longer-than-any-token" / "corporate-identity-of-the-year-2027"
    theme.mkdir(parents=True)
    (theme / "closed.html").write_text("{{ broken }}")
    (theme / "theme.toml").write_text('corner = "middle"')
    table["themes"] = {"directory": str(theme.parent)}
    pages = Pages(settings.parse(table), Themes.load(theme.parent), TEXTS, clock=lambda: NOW)
    log_findings(pages, now=NOW)
    logged = [json.loads(line) for line in log_lines.getvalue().splitlines()]
    assert [(each["event"], each["template"]) for each in logged] == [
        ("template_failed", f"{theme.name}/closed.html"),
        ("theme_fault", f"{theme.name}/theme.toml"),
        ("theme_warning", f"{theme.name}/closed.html"),
    ]
