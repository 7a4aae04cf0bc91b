"""What each template is given: one named tuple a template, each field with a line that says what it is.

These lists are an interface: operators write templates against them. A test compares them with the variables that the
shipped templates use. Those of surveys are in `surveys/views.py`, those of messages in `messages/views.py`.
"""

from __future__ import annotations

from typing import Annotated, NamedTuple

from markupsafe import Markup

from widget.themes import Design
from widget.web.pages.other_ways import OtherWay


class Everywhere(NamedTuple):
    """What every template has, beside these functions:

    `_("text", name=value)`, the text in the visitor's language, escaped, which `gettext` and `{% trans %}` also are;
    `ngettext("one", "many", n)`, the form for a number; `number(5)`, a number as the language writes it;
    `stylesheet("page.css")`, the address of a style sheet of the theme.
    """

    lang: Annotated[str, "the language, as `pt-BR`"]
    dir: Annotated[str, "`ltr` or `rtl`"]
    theme: Annotated[str, "the theme's name"]
    design: Annotated[
        Design, "`theme.toml`: `light` and `dark` colours, `scheme`, `offset_x`, `offset_y`, `radius`, `font`, `icon`"
    ]


class LauncherContext(NamedTuple):
    """`launcher.html`: the button, the message or nothing. Numbers and times are empty where ECE did not say."""

    entry_point: Annotated[str, "the entry point's name in the settings"]
    show: Annotated[bool, "whether the button is drawn"]
    state: Annotated[str, "`available`, `unavailable` or `unknown`"]
    reason: Annotated[str, "why not available; empty when available"]
    wait_time: Annotated[int | str, "expected wait in seconds"]
    queue_depth: Annotated[int | str, "chats waiting"]
    position: Annotated[int | str, "place in the queue"]
    capacity: Annotated[int | str, "free slots"]
    opens_at: Annotated[str, "next opening, ISO 8601 in UTC"]
    as_of: Annotated[str, "when ECE answered, ISO 8601 in UTC"]
    next_check: Annotated[int, "seconds until the page asks again"]
    stale_for: Annotated[str, "seconds after which an answer is too old to be shown, `[ece] stale_for`"]
    response: Annotated[str, "`AVAILABLE`, `BUSY`, `UNAVAILABLE` or `ERROR`"]
    instead: Annotated[str, "what `ways` says as the JSON of the status"]
    open_in: Annotated[str, "`popup`, `tab` or `dock`"]
    corner: Annotated[str, "`bottom-right` and the like, for the reading direction"]
    label: Annotated[str, "the entry point's label for the language, else `Chat with us` in it"]
    logo: Annotated[Markup, "the entry point's logo as SVG; empty where it has none"]
    wait: Annotated[str, "the wait in words, or that someone is free; empty when not known"]
    place: Annotated[str, "the place in words; empty when not known, or when nobody waits"]
    message: Annotated[str, "words in place of the button, where the entry point asks for a message; else empty"]
    ways: Annotated[
        tuple[OtherWay, ...],
        "other ways when there is no chat, each with `kind`, `label`, `href`; of a phone also `number` and `spoken`",
    ]
    tell_me: Annotated[bool, "whether the message offers to tell when chat opens"]
    greeting: Annotated[str, "words beside the button, where they may be shown now; else empty"]
    greeting_after: Annotated[str, "milliseconds on the page until they are"]
    announce: Annotated[str, "words for the live region; empty when hidden"]
    css: Annotated[
        Markup, "`launcher.css` of the theme, `offers.css` or `greeting.css` where needed; rendered and compact"
    ]
    panel: Annotated[Markup, "`panel.html` of the theme, rendered"]


class PanelContext(NamedTuple):
    """`panel.html`: the docked chat and the survey's dialog, for the script to clone."""

    corner: Annotated[str, "`bottom-right` and the like, for the reading direction"]
    label: Annotated[str, "the entry point's label, as the launcher has it"]
    logo: Annotated[Markup, "the entry point's logo, as the launcher has it"]
    allow: Annotated[
        str, "what the chat's frame may ask the browser for, as its attribute `allow` has it; may be empty"
    ]


class StyleContext(NamedTuple):
    """Every style sheet: `launcher.css`, `page.css` and others."""

    corner: Annotated[str, "`bottom-right` and the like"]


class ClosedContext(NamedTuple):
    """`closed.html`: the page a click leads to when there is no chat."""

    entry_point: Annotated[str, "the entry point's name in the settings"]
    state: Annotated[str, "`unavailable` or `unknown`"]
    reason: Annotated[str, "why, as in the status answer"]
    heading: Annotated[str, "the reason in two or three words"]
    why: Annotated[str, "the reason in a sentence"]
    advice: Annotated[str, "what to do now; may be empty"]
    opening: Annotated[str, "when chat opens, in words; may be empty"]
    zone: Annotated[str, "the time zone of `opening` in words; may be empty"]
    opens_at: Annotated[str, "the same, ISO 8601 in UTC; may be empty"]
    ways: Annotated[tuple[OtherWay, ...], "other ways, as in the launcher"]


class ErrorContext(NamedTuple):
    """`error.html`: any fault of a page."""

    status: Annotated[int, "the HTTP status"]
    code: Annotated[str, "the stable code of the fault"]
    heading: Annotated[str, "the fault in two or three words"]
    why: Annotated[str, "the fault in a sentence"]
    advice: Annotated[str, "what to do now"]
    again: Annotated[bool, "whether a link to the same address may answer better later: not for what a form sent"]
    request_id: Annotated[str, "to find this request in the log"]
    ways: Annotated[tuple[OtherWay, ...], "other ways, as in the launcher; none where no entry point is known"]
