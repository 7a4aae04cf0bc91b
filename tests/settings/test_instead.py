"""`instead`: what an operator may write, and every mistake in plain words under the key where it is."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from widget import settings
from widget.domain.instead import Kind
from widget.domain.readings import Reason

Table = dict[str, Any]
PHONE = {"kind": "phone", "value": "+49 30 1234567"}


def with_ways(table: Table, *ways: Table, of: str = "sales") -> Table:
    sales = table["entry_points"]["sales"]
    entry_point = table["entry_points"].setdefault(of, {"id": 1002, "chat_url": sales["chat_url"]})
    entry_point["instead"] = list(ways)
    return table


def with_messages(table: Table) -> Table:
    table["messages"] = {"to": "smtp"}
    table["smtp"] = {"url": "smtp://127.0.0.1:25", "from": "chat@example.com", "to": ["office@example.com"]}
    return table


def faults(table: Table) -> dict[str, str]:
    with pytest.raises(settings.SettingsFaults) as caught:
        settings.parse(table)
    return {fault.key: fault.allowed for fault in caught.value.faults}


def test_every_kind_is_read_with_its_label_reasons_and_hours(table: Table) -> None:
    with_ways(
        table,
        {
            **PHONE,
            "label": {"en": "Call us", "de": "Ruf uns an"},
            "reasons": ["outside_hours"],
            "hours": {"timezone": "Europe/Berlin", "monday": ["08:00-20:00"]},
        },
        {"kind": "email", "value": "office@example.com"},
        {"kind": "link", "value": "https://www.example.com/help?topic=chat#top"},
        {"kind": "entry_point", "value": "callback"},
        {"kind": "message"},
    )
    with_ways(table, of="callback")
    with_messages(table)
    ways = settings.parse(table).policies()["sales"].instead
    assert [way.kind for way in ways] == list(Kind)
    assert ways[0].reasons == {Reason.OUTSIDE_HOURS}
    assert ways[0].label is not None
    assert ways[0].label.pick("de", "en") == ("de", "Ruf uns an")
    assert ways[0].hours is not None
    assert ways[4].value == ""


@pytest.mark.parametrize(
    ("way", "key", "words"),
    [
        ({"kind": "phone", "value": "0800 CHATNOW"}, "value", "a phone number of 3 to 15 digits"),
        ({"kind": "phone", "value": "12"}, "value", "a phone number"),
        ({"kind": "phone", "value": "1" * 16}, "value", "a phone number"),
        ({"kind": "phone", "value": "+49 (0)30 123456"}, "value", "a phone number"),
        ({"kind": "phone", "value": "123;ext=4"}, "value", "a phone number"),
        ({"kind": "phone"}, "value", "a phone number"),
        ({"kind": "email", "value": "office"}, "value", "one e-mail address"),
        ({"kind": "email", "value": "a@example.com, b@example.com"}, "value", "one e-mail address"),
        ({"kind": "email", "value": "a@example.com\nBcc: b@example.com"}, "value", "one e-mail address"),
        ({"kind": "email", "value": "a@localhost"}, "value", "one e-mail address"),
        ({"kind": "link", "value": "http://www.example.com"}, "value", "an https address"),
        ({"kind": "link", "value": "javascript:alert(1)"}, "value", "an https address"),
        ({"kind": "link", "value": "https://"}, "value", "an https address"),
        ({"kind": "link", "value": "https://user@example.com/"}, "value", "an https address"),
        ({"kind": "link", "value": 'https://example.com/"onclick="x'}, "value", "an https address"),
        ({"kind": "message", "value": "x"}, "value", "takes no value"),
        ({"kind": "message"}, "kind", "needs the section [messages]"),
        ({"kind": "entry_point", "value": "sales"}, "value", "this one names itself"),
        ({"kind": "entry_point", "value": "nobody"}, "value", "the name of an entry point"),
        ({"kind": "entry_point", "value": "1001"}, "value", "the name of an entry point"),
        ({"kind": "fax", "value": "1"}, "kind", '"phone", "email", "link", "entry_point", "message"'),
        ({"value": "1"}, "kind", "is required"),
        ({**PHONE, "reasons": ["full moon"]}, "reasons.0", "queue_depth_reached"),
        ({**PHONE, "label": "x" * 61}, "label", "60 characters at most"),
        ({**PHONE, "value": 110}, "value", "a text"),
        ({**PHONE, "hours": {"timezone": "Mars", "monday": ["8-20"]}}, "hours.timezone", "IANA"),
        ({**PHONE, "colour": "red"}, "colour", "is not a setting"),
    ],
)
def test_a_way_that_leads_nowhere_is_named(table: Table, way: Table, key: str, words: str) -> None:
    found = faults(with_ways(table, PHONE, way))
    assert words in found[f"entry_points.sales.instead.1.{key}"]


def test_a_circle_of_entry_points_is_named_with_the_way_round(table: Table) -> None:
    for name, other in (("sales", "support"), ("support", "callback"), ("callback", "sales")):
        with_ways(table, {"kind": "entry_point", "value": other}, of=name)
    found = faults(table)
    assert "sales → support → callback → sales" in found["entry_points.sales.instead.0.value"]
    assert set(found) == {f"entry_points.{name}.instead.0.value" for name in ("sales", "support", "callback")}


def test_two_ways_to_one_entry_point_are_no_circle(table: Table) -> None:
    callback, support = ({"kind": "entry_point", "value": name} for name in ("callback", "support"))
    with_ways(table, callback, support)
    with_ways(table, callback, of="support")
    with_ways(table, of="callback")
    assert len(settings.parse(table).policies()["sales"].instead) == 2


def test_an_eleventh_way_is_one_too_many(table: Table) -> None:
    settings.parse(with_ways(table, *[PHONE] * 10))
    for number in (11, 20):
        assert faults(with_ways(table, *[PHONE] * number))["entry_points.sales.instead"] == "at most 10 entries"


@pytest.mark.parametrize("odd", ["phone", 7, ["phone"], [7], {"kind": "phone"}], ids=repr)
def test_what_is_no_list_of_tables_is_named(table: Table, odd: Any) -> None:
    table["entry_points"]["sales"]["instead"] = odd
    assert any(key.startswith("entry_points.sales.instead") for key in faults(table))


def test_ways_that_only_the_closed_page_offers_are_worth_a_warning(table: Table) -> None:
    def warned() -> bool:
        said = settings.warnings(settings.parse(table), today=date(2026, 11, 24))
        return any("only the closed page offers instead" in each for each in said)

    with_ways(table, PHONE)
    assert warned()
    table["entry_points"]["sales"]["when_unavailable"] = "message"
    assert not warned()


def test_a_greeting_has_a_text_a_time_and_a_limit(table: Table) -> None:
    sales = table["entry_points"]["sales"]
    sales["greeting"] = {"text": {"en": "x" * 200, "de": "Fragen?"}, "max_wait": "2m"}
    found = settings.parse(table)
    greeting = found.entry_points["sales"].greeting
    assert greeting is not None
    assert greeting.after == 20
    assert found.policies()["sales"].greets_up_to == 120
    del sales["greeting"]["max_wait"]
    assert settings.parse(table).policies()["sales"].greets_up_to == float("inf")
    sales["greeting"] = {"text": {"en": "x" * 201}, "after": 0}
    said = faults(table)
    assert "200 characters at most" in said["entry_points.sales.greeting.text"]
    assert "a time above 0" in said["entry_points.sales.greeting.after"]
    sales["greeting"] = {}
    assert faults(table) == {"entry_points.sales.greeting.text": "is required"}
