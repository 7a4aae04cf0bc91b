"""Ask httplint about answers as they came, or REDbot about addresses. Runs in the judges' environment: JSON to JSON."""

from __future__ import annotations

import base64
import json
import sys
import time
from configparser import ConfigParser
from typing import Any


def lint(answer: dict[str, Any]) -> list[str]:
    """Return httplint's notes on one answer that was received just now."""
    from httplint import HttpResponseLinter

    linter = HttpResponseLinter(start_time=time.time())
    linter.base_uri = answer["url"]
    linter.is_head_response = answer["method"] == "HEAD"
    linter.process_response_topline(b"1.1", str(answer["status"]).encode(), b"OK")
    linter.process_headers([(name.encode(), value.encode("latin-1")) for name, value in answer["headers"]])
    body = base64.b64decode(answer["body"])
    if body:
        linter.feed_content(body)
    linter.finish_content(True, [])
    return notes(linter.notes)


def probe(address: dict[str, Any]) -> list[str]:
    """Return REDbot's notes after its own further requests: conditional, ranged, negotiated, HEAD."""
    import thor
    from redbot.resource import HttpResource

    config = ConfigParser()
    config.read_dict({"redbot": {"enable_local_access": "True"}})
    resource = HttpResource(config["redbot"])
    resource.set_request(address["url"], method=address["method"], headers=[tuple(each) for each in address["headers"]])
    thor.events.on(resource, "check_done")(thor.stop)
    resource.check()
    thor.run()
    if resource.fetch_error is not None:
        return [f"BAD {resource.fetch_error.desc} {resource.fetch_error.detail or ''}"]
    found = notes(resource.response.notes)
    for check in resource.subreqs.values():
        found += [f"{note} ({check.check_name})" for note in notes(check.response.notes)]
    return found


def notes(of: Any) -> list[str]:
    """Return one line for each note and what stands under it."""
    flat = [each for note in of for each in (note, *note.subnotes)]
    return [f"{note.level.name} {note.summary}" for note in flat]


if __name__ == "__main__":
    given = json.load(sys.stdin)
    ask = {"lint": lint, "probe": probe}[given["with"]]
    json.dump([ask(each) for each in given["of"]], sys.stdout)
