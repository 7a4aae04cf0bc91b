"""An entry point's logo and what its docked chat may use: what reaches the page, and how faults are told."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from widget import settings
from widget.texts import Texts
from widget.themes import Themes
from widget.web.designers.findings import findings
from widget.web.designers.samples import sample
from widget.web.pages.pages import Pages

NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)
TEXTS = Texts.load()
STAR = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 2 2" id="x"><path fill="#a00" d="M0 0h2v2z"/></svg>'
CLEAN = '<svg viewBox="0 0 2 2" aria-hidden="true"><path fill="#a00" d="M0 0h2v2z"/></svg>'


def build(table: dict[str, Any], folder: Path, files: dict[str, str], **entry_point: Any) -> Pages:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)
    table["themes"] = {"directory": str(folder)}
    table["entry_points"]["sales"] |= entry_point
    return Pages(settings.parse(table), Themes.load(folder), TEXTS)


def launcher(pages: Pages, *, theme: str = "default") -> str:
    sales = pages.settings.entry_points["sales"]
    return pages.launcher(sample("available", entry_point="sales", settings=sales, now=NOW), theme=theme, language="en")


def said(pages: Pages) -> str:
    return "\n".join(each.words for each in findings(pages, now=NOW))


@pytest.mark.parametrize("theme", ["default", "civic"])
def test_a_logo_stands_in_the_launcher_the_docks_header_and_its_folded_button(
    table: dict[str, Any], tmp_path: Path, theme: str
) -> None:
    pages = build(table, tmp_path, {"acme/star.svg": STAR}, theme="acme", logo="star.svg")
    fragment = launcher(pages, theme=theme)
    assert fragment.count(f'<span class="ece-chat-mark ece-chat-logo">{CLEAN}') == 2
    assert f'<h2 id="title" tabindex="-1">{CLEAN}' in fragment
    assert said(pages) == ""


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        (None, 'the theme "acme" has no file star.svg'),
        ("<svg><script>x()</script></svg>", "acme/star.svg has the element <script>"),
        ("\x89PNG", "acme/star.svg has text in it"),
        ("", "acme/star.svg is not one complete <svg> element"),
        ("<svg>" + "<path/>" * 2000 + "</svg>", "acme/star.svg is larger than 8000 characters"),
        ("<svg><title>Star</title></svg>", "acme/star.svg has no shape in it"),
    ],
)
def test_a_logo_that_cannot_be_used_is_named_and_the_icon_stands(
    table: dict[str, Any], tmp_path: Path, source: str | None, problem: str
) -> None:
    files = {"acme/theme.toml": ""} | ({} if source is None else {"acme/star.svg": source})
    pages = build(table, tmp_path, files, theme="acme", logo="star.svg")
    assert 'entry_points.sales.logo = "star.svg": ' in said(pages)
    assert problem in said(pages)
    assert "used by nothing" not in said(pages)
    assert f'<span class="ece-chat-mark">{pages.themes.designs["acme"].icon}' in launcher(pages)


def test_the_docks_frame_may_use_what_is_listed_on_the_chats_origin_alone(
    table: dict[str, Any], tmp_path: Path
) -> None:
    assert " allow=" not in launcher(build(table, tmp_path, {}))
    pages = build(
        table,
        tmp_path,
        {},
        frame_allow=["microphone", "clipboard-write", "microphone"],
        chat_url="https://ece.example.com:8443/system/chat?id={id}",
    )
    origin = "https://ece.example.com:8443"
    assert f'allow="microphone {origin}; clipboard-write {origin}"></iframe>' in launcher(pages)
