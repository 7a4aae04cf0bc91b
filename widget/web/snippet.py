"""Serve the snippet: ready bytes in the encoding that was asked for, and nothing computed per request."""

from __future__ import annotations

from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from widget.snippet import build as snippet
from widget.snippet.build import Copy
from widget.web.public.caching import content_coding, none_match

# A corrected script reaches every page within five minutes.
SHORT = "max-age=300, no-transform"
FOR_GOOD = "max-age=31536000, immutable, no-transform"

_COMMON = {
    "Content-Type": "text/javascript; charset=utf-8",
    "Vary": "Accept-Encoding",
    "Access-Control-Allow-Origin": "*",  # `integrity` needs `crossorigin`, which needs this
    "Cross-Origin-Resource-Policy": "cross-origin",  # for pages that isolate themselves
    "X-Content-Type-Options": "nosniff",
}


class SnippetFiles:
    """The script, its readable source and the frozen copies, read once when the server starts."""

    def __init__(self, static_folder: Path) -> None:
        self.current: Copy = snippet.current(static_folder)
        self.source: Copy = snippet.pack((static_folder / snippet.SOURCE).read_bytes())
        self.by_name: dict[str, Copy] = {**snippet.frozen(static_folder), self.current.name: self.current}
        self.withdrawn: frozenset[str] = snippet.withdrawn(static_folder)


def routes(files: SnippetFiles) -> list[Route]:
    """Return the routes of the script."""

    async def latest(request: Request) -> Response:
        return _answer(request, files.current, cache_control=SHORT)

    async def source(request: Request) -> Response:
        return _answer(request, files.source, cache_control=SHORT)

    async def named(request: Request) -> Response:
        name = f"widget.v1.{request.path_params['fingerprint']}.js"
        if name in files.withdrawn:
            raise HTTPException(410)  # never other bytes: the pages that pinned it trust its hash
        copy = files.by_name.get(name)
        if copy is None:
            raise HTTPException(404)
        return _answer(request, copy, cache_control=FOR_GOOD)

    return [
        Route("/widget.js", latest),
        Route("/widget.src.js", source),
        Route("/widget.v1.{fingerprint}.js", named),
    ]


def _answer(request: Request, copy: Copy, *, cache_control: str) -> Response:
    encoding = content_coding(_field(request, "accept-encoding")) or "identity"
    body = {"br": copy.brotli, "gzip": copy.gzip}.get(encoding, copy.plain)
    # One tag for each representation (RFC 9110, 8.8.3.3).
    etag = f'"{copy.name.split(".")[2]}-{encoding}"'
    headers = {**_COMMON, "Cache-Control": cache_control, "ETag": etag}
    if none_match(_field(request, "if-none-match"), etag.encode()):
        return Response(status_code=304, headers={k: v for k, v in headers.items() if k != "Content-Type"})
    if encoding != "identity":
        headers["Content-Encoding"] = encoding
    return Response(body, headers=headers)


def _field(request: Request, name: str) -> bytes:
    return ",".join(request.headers.getlist(name)).encode("latin-1")
