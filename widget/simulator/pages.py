"""The simulator's own pages: templates with escaping always on, and a policy without `unsafe-` sources."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse

FOLDER = Path(__file__).resolve().parent
ASSETS = FOLDER / "assets"
TEMPLATES = FOLDER / "templates"


@cache
def environment(folder: Path) -> Environment:
    """Read every template of a folder once, so that no request waits for a file."""
    made = Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    for name in made.list_templates(extensions=["html"]):
        made.get_template(name)
    return made


def page(template: str, *, policy: str, **context: Any) -> HTMLResponse:
    """Return a page with its Content-Security-Policy; no cache may store it."""
    headers = {
        # Not no-referrer: a browser would then send the form at the end of a chat with `Origin: null`.
        "content-security-policy": policy,
        "cache-control": "no-store",
        "referrer-policy": "strict-origin",
        "x-content-type-options": "nosniff",
    }
    return HTMLResponse(environment(TEMPLATES).get_template(template).render(context), headers=headers)
