"""The cleaning of typed text: little is changed, and what is left can be sent and stands alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from tests.hazards import HAZARDS, of_every_category
from widget.domain.text import clean

_OPENERS, _CLOSERS = "\u202a\u202b\u202d\u202e\u2066\u2067\u2068", "\u202c\u2069"
any_text = st.text(st.characters())
bidi_text = st.text(st.sampled_from([*_OPENERS, *_CLOSERS, "a", "\N{HEBREW LETTER ALEF}", "\n", "\u2029"]))


@given(any_text)
def test_clean_text_survives_xml_character_for_character(text: str) -> None:
    element = etree.Element("answer")
    element.text = clean(text)
    back = etree.fromstring(etree.tostring(element, encoding="utf-8"))
    assert (back.text or "") == clean(text)


@given(any_text)
def test_cleaning_twice_changes_nothing_more(text: str) -> None:
    assert clean(clean(text)) == clean(text)


@given(bidi_text)
def test_balancing_twice_changes_nothing_more(text: str) -> None:
    assert clean(clean(text)) == clean(text)


@pytest.mark.parametrize(
    ("typed", "cleaned"),
    [
        ("one\r\ntwo\rthree\n", "one\ntwo\nthree\n"),
        ("a\0b\x1fc\x7f", "a\N{REPLACEMENT CHARACTER}b\N{REPLACEMENT CHARACTER}c\x7f"),
        ("\ud800 \ufffe \uffff", "\N{REPLACEMENT CHARACTER} " * 2 + "\N{REPLACEMENT CHARACTER}"),
        ("tab\tstays, \x85 too", "tab\tstays, \x85 too"),
        ("\N{FAMILY} e\u0301 \u200b \u200d שלום مرحبا", "\N{FAMILY} e\u0301 \u200b \u200d שלום مرحبا"),
    ],
)
def test_only_what_xml_cannot_hold_is_replaced(typed: str, cleaned: str) -> None:
    assert clean(typed) == cleaned


@pytest.mark.parametrize(
    ("typed", "cleaned"),
    [
        ("\u202eevil", "\u202eevil\u202c"),
        ("\u2067שלום\u2069 fine", "\u2067שלום\u2069 fine"),
        ("\u2068a\u202eb\u2069c", "\u2068a\u202eb\u2069c"),
        ("closes nothing\u2069\u202c", "closes nothing"),
        ("\u202eone\ntwo", "\u202eone\u202c\ntwo"),
        ("\u202e\u2066x", "\u202e\u2066x\u2069\u202c"),
        ("\u200fmarks stay\u200e", "\u200fmarks stay\u200e"),
    ],
)
def test_nothing_turned_round_reaches_past_its_line(typed: str, cleaned: str) -> None:
    assert clean(typed) == cleaned


def test_of_all_hazards_only_these_are_changed_and_of_all_categories_only_controls() -> None:
    assert {hazard for hazard, text in HAZARDS.items() if clean(text) != text} == {
        "a line end of Windows",
        "a line end of old machines",
        "a header line",
        "a character that is none",
        "a NUL",
        "a bell and an escape",
        "an override that is left open",
        "a closer that closes nothing",
    }
    assert [category for category, text in of_every_category() if clean(text) != text] == ["Cc"]
