"""The cleaning of typed text: little is changed, and what is left can be sent and stands alone."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from widget.domain.text import clean

_OPENERS, _CLOSERS = "\u202a\u202b\u202d\u202e\u2066\u2067\u2068", "\u202c\u2069"
# the first example ever drawn builds hypothesis's table of characters, which takes seconds on a busy machine
patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
any_text = st.text(st.characters())
bidi_text = st.text(st.sampled_from([*_OPENERS, *_CLOSERS, "a", "\N{HEBREW LETTER ALEF}", "\n", "\u2029"]))


@patient
@given(any_text)
def test_clean_text_survives_xml_character_for_character(text: str) -> None:
    element = etree.Element("answer")
    element.text = clean(text)
    back = etree.fromstring(etree.tostring(element, encoding="utf-8"))
    assert (back.text or "") == clean(text)


@patient
@given(any_text)
def test_cleaning_twice_changes_nothing_more(text: str) -> None:
    assert clean(clean(text)) == clean(text)


@patient
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
