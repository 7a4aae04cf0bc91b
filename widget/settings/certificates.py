"""How the certificates of others are judged: in one way towards ECE, mail servers and webhooks, and on every Python."""

from __future__ import annotations

import ssl
from pathlib import Path


def judged_alike(context: ssl.SSLContext) -> ssl.SSLContext:
    """Return this context with the same rules on every Python, which are those of curl.

    An issuing authority that another one signed is trusted where it alone is named: the default from Python 3.13 on. An
    authority whose certificate lacks an extension, as companies' own often do, is one: from 3.13 on it would be none.
    """
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context


def trusting(ca_file: Path | None) -> ssl.SSLContext:
    """Return a context that trusts the public authorities, and those in `ca_file` too; reads files."""
    context = judged_alike(ssl.create_default_context())
    if ca_file is not None:
        context.load_verify_locations(ca_file)
    return context
