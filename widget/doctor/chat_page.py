"""What is wrong with the page at `chat_url`, as a visitor's browser would find it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import SplitResult, urlsplit

from widget.doctor.browsing import Obstacle, Page, Unreached
from widget.doctor.report import Finding, Severity
from widget.settings import EntryPointSettings, Settings

SURVEY_SCRIPT = "ece-widget-survey"
_WSNAME = re.compile(r"[?&]wsname=([^&#]*)")
_SCRIPTS = re.compile(r"<(script|style|template)\b.*?</\1\s*>", re.IGNORECASE | re.DOTALL)
_TAGS = re.compile(r"<[^>]*>")
_NO_SERVICE = re.compile(
    r"\bno[ -]service\b|\bservice (?:is )?(?:currently |temporarily )?(?:un|not )available\b|\bchat is not available\b",
    re.IGNORECASE,
)
_REMEDIES = {
    Obstacle.NO_SUCH_HOST: "Check the host in `chat_url`: its name leads to no address here.",
    Obstacle.REFUSED: "Check host and port in `chat_url`, and that ECE's web server runs.",
    Obstacle.CERTIFICATE: "Visitors see a warning instead of the chat: put a certificate on that server which browsers"
    " accept, for the host name in `chat_url`, with its intermediate certificates.",
    Obstacle.TLS: "Check scheme and port of `chat_url`, and that the server speaks TLS 1.2 or later.",
    Obstacle.REDIRECTS: "Open the address in a browser; a login page or proxy in the way has to go.",
}
# The visitors' network is another: what this machine cannot reach they may.
_PERHAPS_FROM_HERE_ALONE = (Obstacle.TIMEOUT, Obstacle.NO_ROUTE)


def chat_page_findings(settings: Settings, name: str, address: str, found: Page | Unreached) -> Iterator[Finding]:
    """Yield everything that is wrong with the chat page of an entry point; `address` is what was opened."""
    entry_point = settings.entry_points[name]
    match found:
        case Unreached(obstacle, detail):
            here = obstacle in _PERHAPS_FROM_HERE_ALONE or settings.ece.proxy is not None
            words = f"the chat page cannot be fetched: {obstacle}" + (f" ({detail})" if detail else "")
            remedy = _REMEDIES.get(obstacle, "Open the address in a browser outside, where visitors are.")
            yield Finding(Severity.NOTE if here else Severity.WRONG, words, remedy, address)
        case Page(status=status) if status != 200:
            yield Finding(
                Severity.WRONG,
                f"the chat page answers {status}" + _led_elsewhere(address, found),
                "Check path and template name in `chat_url`: a click leads there.",
                address,
            )
        case Page():
            yield from _page(settings, entry_point, address, found)
    yield from _wsname(entry_point.chat_url)


def _page(settings: Settings, entry_point: EntryPointSettings, address: str, page: Page) -> Iterator[Finding]:
    visible = _TAGS.sub(" ", _SCRIPTS.sub(" ", page.text))
    if said := _NO_SERVICE.search(visible):
        yield Finding(
            Severity.WRONG,
            f'the chat page is a "no service" page: it says "{said[0]}"',
            "Check that the entry point in `chat_url` is active in ECE, and that its template is its own.",
            address,
        )
    if _led_elsewhere(address, page):
        yield Finding(
            Severity.NOTE,
            "the chat page" + _led_elsewhere(address, page),
            "Write the address it leads to as `chat_url`, unless it is a login page: that has to go.",
            address,
        )
    if entry_point.open_in == "dock":
        yield from _frames(settings.server.allowed_origins, address, page)
    if entry_point.survey and "{ticket}" in entry_point.chat_url and SURVEY_SCRIPT not in page.text:
        yield Finding(
            Severity.WRONG,
            f"the chat page has no script {SURVEY_SCRIPT}.js: no chat leads to its survey",
            "Add the scripts of examples/ece-template to the chat template, as its README says.",
            address,
        )


def _led_elsewhere(address: str, page: Page) -> str:
    """Return where redirects led, without query, when that is another path or host."""
    asked, came = urlsplit(address), urlsplit(page.url)
    if (asked.scheme, asked.netloc, asked.path) == (came.scheme, came.netloc, came.path):
        return ""
    return f" after it led to {came.scheme}://{came.netloc.rpartition('@')[2]}{came.path.partition(';')[0]}"


def _frames(origins: tuple[str, ...], address: str, page: Page) -> Iterator[Finding]:
    """Judge what the page says about frames, as browsers do: CSP's frame-ancestors goes before X-Frame-Options."""
    policies = [
        directive for value in page.headers.get_all("content-security-policy", []) for directive in _ancestors(value)
    ]
    frame_options = {
        each.strip().upper() for value in page.headers.get_all("x-frame-options", []) for each in value.split(",")
    }
    refusing = ""
    if policies:
        sites = [origin for origin in origins if origin != "*"] or ["https://any-site.invalid"]
        if not all(_may_frame(policy, site, page.url) for policy in policies for site in sites):
            refusing = "Content-Security-Policy: frame-ancestors " + " ".join(policies[0])
    elif frame_options & {"DENY", "SAMEORIGIN"}:
        refusing = "X-Frame-Options: " + ", ".join(sorted(frame_options))
    if refusing:
        yield Finding(
            Severity.WRONG,
            f'the chat page refuses the frame that `open_in = "dock"` needs: {refusing[:200]}',
            "Let ECE's web server name your sites in frame-ancestors and leave X-Frame-Options out,"
            ' or set `open_in = "popup"`.',
            address,
        )


def _ancestors(policy: str) -> Iterator[list[str]]:
    for each in policy.split(","):
        for directive in each.split(";"):
            words = directive.split()
            if words and words[0].lower() == "frame-ancestors":
                yield [word.lower() for word in words[1:]] or ["'none'"]
                break  # the first of a name counts


def _may_frame(sources: list[str], site: str, page: str) -> bool:
    return any(_matches(source, urlsplit(site), page) for source in sources)


def _matches(source: str, site: SplitResult, page: str) -> bool:
    """Match one source expression (CSP level 3, section 6.7.2.8) against the origin of a site."""
    if source == "*":
        return site.scheme in ("http", "https")
    if source == "'self'":
        own = urlsplit(page)
        return (own.scheme, own.netloc.lower()) == (site.scheme, site.netloc.lower())
    if source.endswith(":"):
        return site.scheme == source[:-1] or (site.scheme, source) == ("https", "http:")
    scheme, separator, rest = source.rpartition("://")
    if separator and scheme not in (site.scheme, "http" if site.scheme == "https" else ""):
        return False
    try:
        wanted = urlsplit(f"//{rest}")
        host, port = wanted.hostname or "", wanted.netloc.rpartition(":")[2] if ":" in wanted.netloc else ""
        site_port = str(site.port or {"http": 80, "https": 443}.get(site.scheme))
    except ValueError:
        return False
    default = {"http": "80", "https": "443"}[site.scheme] if site.scheme in ("http", "https") else ""
    named = (site.hostname or "").endswith(host[1:]) if host.startswith("*.") else site.hostname == host
    return named and port in ("*", site_port) if port else named and site_port == default


def _wsname(chat_url: str) -> Iterator[Finding]:
    """The vendor's SDK 12.6 tells the page that opened it what happens only with an unencoded `wsname`."""
    given = _WSNAME.search(chat_url)
    if given is None:
        words, change = "`chat_url` has no wsname", "Add &wsname= and your site's origin to `chat_url`, not encoded"
    elif "%" in given[1]:
        words, change = (
            "wsname in `chat_url` is percent-encoded",
            "Write it as it is, as wsname=https://www.example.com",
        )
    else:
        return
    yield Finding(
        Severity.NOTE,
        f"{words}: chat templates of ECE 12.6 then tell the page nothing about the chat",
        f"{change}; earlier templates do not need it.",
    )
