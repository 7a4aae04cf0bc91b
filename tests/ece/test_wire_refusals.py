"""Bodies that are no answer: one typed error, which tells nothing of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from widget.domain.errors import EceUnreadable
from widget.domain.readings import (
    Call,
    Reading,
)
from widget.ece import wire

DATA = Path(__file__).parent.parent / "data" / "ece"


def read(call: Call, body: str | bytes) -> Reading:
    return wire.read(call, body.encode() if isinstance(body, str) else body).reading


@pytest.mark.parametrize("value", ["", "yes", "on", "2", "truefalse", "t", "null", "True.", "１"])
def test_a_boolean_that_is_neither_true_nor_false_is_no_answer(value: str) -> None:
    for call, root, name in (
        (Call.CHAT_ALLOWED, "chatAllowed", "allowed"),
        (Call.AGENT_AVAILABILITY, "agentAvailability", "available"),
    ):
        for body in (f'<{root} {name}="{value}"/>', f'{{"{name}": "{value}"}}', f"<{root}/>", f"<{root} x='true'/>"):
            with pytest.raises(EceUnreadable, match=name):
                read(call, body)


PAGE = "<html><head><title>Log in</title></head><body>secret</body></html>"
NO_ANSWERS: list[str | bytes] = [
    "",
    " \n",
    b"\0",
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    PAGE,
    "<!DOCTYPE html>" + PAGE,
    "<!doctype html>\n<HTML lang=en><p>Service unavailable",
    '<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"/>',
    "Service unavailable",
    '<chatAllowed allowed="true"',
    '<chatAllowed allowed="true">',
    '<chatAllowed allowed="true"/><chatAllowed allowed="true"/>',
    '<chatAllowed allowed="true"/>trailing',
    '<chatAllowed allowed="true" allowed="false"/>',
    '<chatAllowed allowed="true" x:allowed="false" xmlns:x="urn:x"/>',
    '\n<?xml version="1.0"?><chatAllowed allowed="true"/>',
    '<ns2:chatAllowed allowed="true"/>',
    '<chatAllowed allowed="true">\0</chatAllowed>',
    '<chatAllowed allowed="true">&nbsp;</chatAllowed>',
    '<?xml version="1.0" encoding="x-none"?><chatAllowed allowed="true"/>',
    b'<chatAllowed allowed="true" x="\xff"/>',
    '<chatallowed allowed="true"/>',
    '<agentAvailability available="true"/>',
    '<r><chatAllowed allowed="true"/></r>',
    "[]",
    '[{"allowed": true}]',
    "{",
    '{"allowed": true} x',
    '{"allowed": true, "allowed": false}',
    '{"allowed": [true]}',
    '{"allowed": null}',
    "{'allowed': true}",
    '{"a":' * 20_000,
    "[" * 65_000,
    "<a>" * 20_000,
    "<a " * 20_000,
    b'{"allowed": true, "x": "\xff"}',
]


@pytest.mark.parametrize("body", NO_ANSWERS)
def test_anything_else_is_one_typed_error_whose_detail_tells_nothing_of_the_body(body: str | bytes) -> None:
    with pytest.raises(EceUnreadable) as caught:
        read(Call.CHAT_ALLOWED, body)
    assert caught.value.detail
    assert len(caught.value.detail) < 80
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("body", NO_ANSWERS[5:9])
def test_a_web_page_is_called_one(body: str) -> None:
    with pytest.raises(EceUnreadable, match="HTML page"):
        read(Call.CHAT_ALLOWED, body)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "cp037", "utf-7", "utf-32"])
@pytest.mark.parametrize(
    "declaration",
    [
        "<!DOCTYPE chatAllowed>",
        '<!DOCTYPE chatAllowed SYSTEM "http://127.0.0.1:9/x.dtd">',
        '<!DOCTYPE chatAllowed [<!ENTITY e SYSTEM "file:///etc/hostname">]>',
        '<!DOCTYPE chatAllowed [<!ENTITY t "true"><!ENTITY % p SYSTEM "file:///etc/hostname"> %p;]>',
        '<!DOCTYPE chatAllowed [<!ATTLIST chatAllowed allowed CDATA "true">]>',
    ],
)
def test_a_declaration_is_refused_in_any_charset(declaration: str, encoding: str) -> None:
    body = f'<?xml version="1.0" encoding="{encoding}"?>{declaration}<chatAllowed allowed="true"/>'
    with pytest.raises(EceUnreadable):
        read(Call.CHAT_ALLOWED, body.encode(encoding))


def test_a_declaration_spelt_in_a_charset_that_hides_it_is_refused_too() -> None:
    head = b'<?xml version="1.0" encoding="UTF-7"?>'
    with pytest.raises(EceUnreadable, match="charset"):
        read(Call.CHAT_ALLOWED, head + b'+ADwAIQ-DOCTYPE chatAllowed+AD4-<chatAllowed allowed="true"/>')
