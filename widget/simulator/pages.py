"""The simulator's own pages: templates with escaping always on, and a policy without unsafe words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse

FOLDER = Path(__file__).resolve().parent
ASSETS = FOLDER / "assets"

_environment = Environment(
    loader=FileSystemLoader(FOLDER / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def render(template: str, **context: Any) -> str:
    return _environment.get_template(template).render(context)


def page(template: str, *, policy: str, status: int = 200, **context: Any) -> HTMLResponse:
    """Give a page with its Content-Security-Policy; nothing of it is kept by a cache."""
    headers = {
        # Not no-referrer: a browser would then send the form at the end of a chat with `Origin: null`.
        "content-security-policy": policy,
        "cache-control": "no-store",
        "referrer-policy": "strict-origin",
        "x-content-type-options": "nosniff",
    }
    return HTMLResponse(render(template, **context), status, headers)
