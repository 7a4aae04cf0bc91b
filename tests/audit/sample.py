"""The built-in sample site as a server of its own; it points at the product named in `AUDIT_WIDGET`."""

from __future__ import annotations

import os

from widget.simulator import create_site

app = create_site(os.environ.get("AUDIT_WIDGET", "http://127.0.0.1:8000"))
