"""One set of rules for the certificates of ECE, mail servers and webhooks, whatever the version of Python."""

from __future__ import annotations

import ssl
from pathlib import Path


def with_common_rules(context: ssl.SSLContext) -> ssl.SSLContext:
    """Set the rules of curl, the same for every version of Python, and return the context.

    An issuing authority that another one signed is trusted where it alone is named: the default from Python 3.13 on. An
    authority whose certificate lacks an extension, as companies' own often do, is one: from 3.13 on it would be none.
    """
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context


def trusting(ca_file: Path | None) -> ssl.SSLContext:
    """Return a context that trusts the public authorities, and those in `ca_file` too; reads files."""
    context = with_common_rules(ssl.create_default_context())
    if ca_file is not None:
        context.load_verify_locations(ca_file)
    return context
