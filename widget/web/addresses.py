"""Every address in one table: what kind of answer it has, the shape of its faults, its limit, and who may ask for it.

Headers, limits, errors, the connection guard, the access log, the metrics' labels and the OpenAPI description read this
table. A test compares it with the routes in both directions.

An address matches as a whole, and one with a control character in it matches nothing: `/metrics` followed by a line
feed would pass a proxy's rule for `/metrics`, while Python's `$` (and so Starlette's routing) finds the end before it.
"""

from __future__ import annotations

import re
from collections.abc import MutableMapping
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any
from urllib.parse import unquote_to_bytes

UNMATCHED = "unmatched"  # the label of everything that is not in the table
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")
_PARAMETER = re.compile(r"\{[a-z_]+\}")


class Kind(Enum):
    """What the answer is, which decides about CORS and the opener policy."""

    PUBLIC = "public"  # the same for everybody; any site may read it
    PAGE = "page"  # for a visitor's eyes
    OPERATOR = "operator"  # for operators and their programs
    PRIVATE = "private"  # the rest: health, style sheets, what is not there


class Faults(Enum):
    JSON = "json"  # application/problem+json
    PAGE = "page"
    BY_ACCEPT = "by accept"


class FramedBy(Enum):
    NOBODY = "nobody"
    SITES = "sites"  # those of allowed_origins
    ITSELF = "itself"


class Limit(Enum):
    """The setting under `[limits]` that counts a request.

    `OPERATORS` and `SIGN_IN` count refused requests by `tokens`, each apart.
    """

    PUBLIC = "public"
    TOKENS = "tokens"
    SUBMITS = "submits"
    OPERATORS = "operators"
    SIGN_IN = "sign_in"


@dataclass(frozen=True, slots=True)
class Address:
    """One method of one address.

    `any_host`: it answers whatever host was asked for, else only that of `public_url`. `script`: its pages run our own
    script. `quiet`: probes and scrapes, which are logged at debug. `described`: it is part of /openapi.json.
    """

    method: str
    pattern: str
    kind: Kind = Kind.PRIVATE
    faults: Faults = Faults.BY_ACCEPT
    limit: Limit | None = None
    any_host: bool = False
    framed_by: FramedBy = FramedBy.NOBODY
    script: bool = False
    quiet: bool = False
    described: bool = True
    whole: re.Pattern[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        parts = (re.escape(part) for part in _PARAMETER.split(self.pattern))
        object.__setattr__(self, "whole", re.compile("[^/]+".join(parts)))

    @property
    def start(self) -> str:
        """The part before the first parameter, without a slash at its end."""
        return self.pattern.partition("{")[0].rstrip("/")


def _public(pattern: str, *, faults: Faults = Faults.JSON, described: bool = True) -> Address:
    # no answer depends on the host, so that a proxy that changes it does no harm
    return Address("GET", pattern, Kind.PUBLIC, faults, Limit.PUBLIC, any_host=True, described=described)


def _survey(method: str, pattern: str, limit: Limit) -> Address:
    return Address(method, pattern, Kind.PAGE, Faults.PAGE, limit, framed_by=FramedBy.SITES, script=True)


def _message(method: str, limit: Limit) -> Address:
    return Address(method, "/message/{entry_point}", Kind.PAGE, Faults.PAGE, limit, framed_by=FramedBy.SITES)


def _preview(pattern: str, *, described: bool) -> Address:
    return Address(
        "GET",
        pattern,
        Kind.OPERATOR,
        Faults.PAGE,
        Limit.OPERATORS,
        framed_by=FramedBy.ITSELF,
        script=True,
        described=described,
    )


def _console(method: str, pattern: str, limit: Limit | None = None) -> Address:
    return Address(method, pattern, Kind.OPERATOR, Faults.PAGE, limit, script=True, described=False)


def _question(pattern: str) -> tuple[Address, Address]:
    """Return the page that asks, and the form it sends."""
    return _console("GET", pattern), _console("POST", pattern)


def _probe(pattern: str) -> Address:
    # orchestrators ask by address, not by name
    return Address("GET", pattern, Kind.PRIVATE, Faults.JSON, any_host=True, quiet=True)


# Of two patterns that fit, the first counts.
ADDRESSES = (
    _public("/widget.js", faults=Faults.BY_ACCEPT),
    _public("/widget.src.js", faults=Faults.BY_ACCEPT, described=False),
    _public("/widget.v1.{fingerprint}.js", faults=Faults.BY_ACCEPT, described=False),
    _public("/v1/status/{entry_point}"),
    _public("/v1/launcher/{entry_point}"),
    # no opener policy, so no script: it would cut the pop-up from the page that opened it
    Address(
        "GET",
        "/v1/chat/{entry_point}",
        Kind.PAGE,
        Faults.PAGE,
        Limit.TOKENS,
        any_host=True,
        framed_by=FramedBy.SITES,
    ),
    _survey("POST", "/survey/start", Limit.TOKENS),
    _survey("GET", "/survey/{token}", Limit.TOKENS),
    _survey("POST", "/survey/{token}", Limit.SUBMITS),
    Address("GET", "/survey.{fingerprint}.js", described=False),
    _message("GET", Limit.TOKENS),
    _message("POST", Limit.SUBMITS),
    Address("GET", "/assets/{hash}/{file}", described=False),
    Address("POST", "/v1/survey-links", Kind.OPERATOR, Faults.JSON, Limit.OPERATORS),
    _preview("/preview", described=True),
    _preview("/preview/frame", described=False),
    Address("GET", "/preview.{fingerprint}.js", described=False),
    _probe("/healthz"),
    _probe("/readyz"),
    Address("GET", "/metrics", Kind.OPERATOR, Faults.JSON, Limit.OPERATORS, any_host=True, quiet=True),
    Address("GET", "/facts.json", Kind.PUBLIC, Faults.JSON, any_host=True),
    Address("GET", "/openapi.json", Kind.OPERATOR, Faults.JSON),
    Address("GET", "/console.{fingerprint}.js", described=False),
    _console("GET", "/console"),
    _console("POST", "/console", Limit.SIGN_IN),
    _console("POST", "/console/sign-out"),
    _console("GET", "/console/now"),
    _console("GET", "/console/history"),
    *_question("/console/close/{entry_point}"),
    *_question("/console/reopen/{entry_point}"),
    *_question("/console/day/{entry_point}"),
    *_question("/console/clear-day/{entry_point}"),
    _console("GET", "/console/results"),
    _console("GET", "/console/results.csv"),
    _console("GET", "/console/outbox"),
    *_question("/console/outbox/retry"),
    _console("GET", "/console/outbox/{row}"),
    *_question("/console/outbox/{row}/retry"),
    *_question("/console/outbox/{row}/purge"),
)

_UNKNOWN = Address("GET", UNMATCHED)
_UNKNOWN_API = Address("GET", UNMATCHED, faults=Faults.JSON)
# A fault beside an address looks like a fault at it; the longest start counts.
_BESIDE = sorted(
    [*((each.start, replace(each, pattern=UNMATCHED, quiet=False)) for each in ADDRESSES), ("/v1", _UNKNOWN_API)],
    key=lambda beside: -len(beside[0]),
)


def find(path: str, method: str = "GET") -> Address:
    """Return the row for a path; HEAD counts as GET, and a method that no row has gets the path's first row."""
    asked = "GET" if method == "HEAD" else method
    fitting = [] if is_malformed(path) else [each for each in ADDRESSES if each.whole.fullmatch(path)]
    if fitting:
        same = [each for each in fitting if each.pattern == fitting[0].pattern]
        return next((each for each in same if each.method == asked), same[0])
    beside = (each for start, each in _BESIDE if path == start or path.startswith(start + "/"))
    return next(beside, _UNKNOWN)


def of(scope: MutableMapping[str, Any]) -> Address:
    """Return the row for a request; looked up once, then kept in `scope["state"]["address"]`."""
    state = scope.setdefault("state", {})
    found: Address | None = state.get("address")
    if found is None:
        found = state["address"] = find(scope["path"], scope["method"])
    return found


def is_malformed(path: str) -> bool:
    """Return whether a path holds a control character."""
    return _CONTROL.search(path) is not None


def methods_of(address: Address) -> str:
    """Return the Allow header of an address."""
    methods = {each.method for each in ADDRESSES if each.pattern == address.pattern} | {"OPTIONS"}
    return ", ".join(sorted(methods | ({"HEAD"} if "GET" in methods else set())))


def shows_a_page(target: bytes) -> bool:
    """Return whether faults at this request target are pages, for a server that has not yet read the whole request."""
    path = unquote_to_bytes(target.partition(b"?")[0]).decode("utf-8", "replace")
    return find(path).faults is Faults.PAGE
