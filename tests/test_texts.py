"""Languages: every text in every catalog, plural forms, durations and days in words, and the operator's catalogs."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, tzinfo
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from babel.messages.extract import extract_from_file
from hypothesis import given
from hypothesis import strategies as st

from widget.texts import CONSOLE, SHIPPED, VISITORS, Texts

ROOT = Path(__file__).resolve().parent.parent
LANGUAGES = ("en", "ar", "de", "es", "fr", "he", "hi", "it", "ja", "ko", "nl", "pl", "pt-BR", "tr", "zh-Hans")
PLURALS = {"ar": 6, "pl": 3, "ja": 1, "ko": 1, "zh-Hans": 1}
BERLIN = ZoneInfo("Europe/Berlin")
MONDAY = datetime(2026, 11, 23, 12, tzinfo=UTC)
TEXTS, CONSOLE_TEXTS = Texts.load(), Texts.load(catalog=CONSOLE)
# Where operators alone read; the catalogs of these texts are in fewer languages.
CONSOLE_PLACES = ("widget/web/console/", "templates/console/")
# The same word in English and there; everything else that is not translated is a text forgotten.
SAME_AS_ENGLISH = {"Chat", "Name", "(optional)", "Page %(step)s of %(steps)s", "Error: %(title)s", "No"}
SAME_IN_THE_CONSOLE = {"ECE", "Version", "Text", "Net Promoter Score"}

Text = str | tuple[str, ...]


@cache
def texts_in_use(catalog: str = VISITORS) -> dict[Text, str]:
    """Every text that code and templates speak to visitors, or in the console, with the file it is in."""
    found: dict[Text, str] = {}
    for file in _files_of(catalog, "widget", ".py"):
        keywords = {"_": None, "marked": None, "gettext": (2,), "ngettext": (2, 3)}
        for _, message, _, _ in extract_from_file("python", file, keywords=keywords):
            found[message] = str(file.relative_to(ROOT))
    for file in _files_of(catalog, "templates", ".html", ".css"):
        keywords = {"_": None, "gettext": None, "ngettext": (1, 2)}
        options = {"newstyle_gettext": "true", "silent": "false"}
        for _, message, _, _ in extract_from_file("jinja2.ext:babel_extract", file, keywords=keywords, options=options):
            found[message] = str(file.relative_to(ROOT))
    return found


def _files_of(catalog: str, folder: str, *endings: str) -> list[Path]:
    files = sorted(each for each in (ROOT / folder).rglob("*.*") if each.suffix in endings)
    return [each for each in files if str(each.relative_to(ROOT)).startswith(CONSOLE_PLACES) is (catalog == CONSOLE)]


def messages_of(language: str) -> dict[str, str | tuple[str, ...]]:
    return dict(TEXTS.language(language).messages)


def test_the_fifteen_languages_are_there_and_readable() -> None:
    assert TEXTS.languages == LANGUAGES
    assert TEXTS.faults == ()


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_is_in_the_catalog_of_every_language(language: str) -> None:
    known = messages_of(language)
    missing = [f"{text!r} ({file})" for text, file in texts_in_use().items() if _first(text) not in known]
    assert not missing, f"{language} lacks: " + "; ".join(missing)


@pytest.mark.parametrize("language", ["en", "de"])
def test_the_catalogs_of_the_console_have_its_texts_and_no_others(language: str) -> None:
    assert CONSOLE_TEXTS.languages == ("en", "de")
    assert CONSOLE_TEXTS.faults == ()
    assert set(CONSOLE_TEXTS.language(language).messages) == {_first(text) for text in texts_in_use(CONSOLE)}


def test_the_console_is_translated_and_keeps_every_placeholder() -> None:
    messages = CONSOLE_TEXTS.language("de").messages
    assert [text for text, said in messages.items() if said == text and text not in SAME_IN_THE_CONSOLE] == []
    for text, said in messages.items():
        for each in (said,) if isinstance(said, str) else said:
            assert set(re.findall(r"%\(\w+\)s", each)) == set(re.findall(r"%\(\w+\)s", text)), text


@pytest.mark.parametrize("file", sorted(SHIPPED.rglob("*.po")), ids=lambda file: f"{file.parts[-3]} {file.stem}")
def test_a_catalog_has_each_text_once(file: Path) -> None:
    """Of two translations one is never read: a word of two meanings needs two words in the source."""
    ids = re.findall(r'^msgid ((?:".*"\n)+)', file.read_text(encoding="utf-8"), re.MULTILINE)
    assert [text for text in ids if ids.count(text) > 1] == []


@pytest.mark.parametrize("language", [each for each in LANGUAGES if each != "en"])
def test_every_text_is_translated(language: str) -> None:
    left = [text for text, said in messages_of(language).items() if said == text and text not in SAME_AS_ENGLISH]
    assert not left


@pytest.mark.parametrize("language", LANGUAGES)
def test_translations_keep_every_placeholder(language: str) -> None:
    for text, said in messages_of(language).items():
        for each in (said,) if isinstance(said, str) else said:
            assert set(re.findall(r"%\(\w+\)s", each)) == set(re.findall(r"%\(\w+\)s", text)), (language, text)


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_language_has_its_number_of_plural_forms(language: str) -> None:
    header = (SHIPPED / language / "LC_MESSAGES" / "ece_widget.po").read_text(encoding="utf-8")
    assert f"nplurals={PLURALS.get(language, 2)};" in header


@pytest.mark.parametrize(
    ("language", "forms"),
    [
        ("pl", {1: "one", 2: "few", 4: "few", 5: "many", 12: "many", 22: "few", 101: "many"}),
        ("ar", {0: "zero", 1: "one", 2: "two", 3: "few", 10: "few", 11: "many", 99: "many", 100: "other"}),
        ("de", {0: "other", 1: "one", 2: "other"}),
        ("fr", {0: "one", 1: "one", 2: "other"}),
        ("ja", {0: "other", 1: "other", 5: "other"}),
    ],
)
def test_a_plural_form_is_chosen_as_the_language_does(tmp_path: Path, language: str, forms: dict[int, str]) -> None:
    order = {"pl": "one few many", "ar": "zero one two few many other", "ja": "other"}.get(
        language, "one other"
    ).split()
    lines = [f'msgstr[{at}] "{form}"' for at, form in enumerate(order)]
    _write(tmp_path, f"{language}.po", 'msgid "%(n)s chat"\nmsgid_plural "%(n)s chats"\n' + "\n".join(lines))
    texts = Texts.load(tmp_path)
    assert texts.faults == ()
    assert {n: texts.ngettext(language, "%(n)s chat", "%(n)s chats", n) for n in forms} == forms


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (None, ""),
        (0, "less than a minute"),
        (59, "less than a minute"),
        (60, "about 1 minute"),
        (61, "about 2 minutes"),
        (240, "about 4 minutes"),
        (241, "about 5 minutes"),
        (1800, "about 30 minutes"),
        (1801, "more than 30 minutes"),
        (10**12, "more than 30 minutes"),
    ],
)
def test_a_wait_is_said_in_bands_rounded_up(seconds: int | None, words: str) -> None:
    assert TEXTS.wait("en", seconds) == words


@given(st.integers(0, 2**63), st.sampled_from(LANGUAGES))
def test_a_wait_is_never_said_shorter_than_it_is(seconds: int, language: str) -> None:
    minutes = [int(each) for each in re.findall(r"\d+", TEXTS.wait(language, seconds))]
    assert minutes or seconds <= 120, "some languages have words for one minute and for two"
    assert all(each * 60 >= min(seconds, 1800) for each in minutes)


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("de", "etwa 4 Minuten"),
        ("pl", "mniej więcej 4 minuty"),
        ("ar", "4 دقائق تقريبًا"),
        ("ja", "約 4 分"),
        ("zh-Hans", "约 4分钟"),
        ("tr", "yaklaşık 4 dakika"),
        ("he", "בערך 4 דקות"),
    ],
)
def test_a_wait_is_said_in_the_visitors_language(language: str, words: str) -> None:
    assert TEXTS.wait(language, 240) == words


def test_a_place_that_ece_did_not_say_is_not_said() -> None:
    assert TEXTS.place("en", None) == ""
    assert TEXTS.place("en", 3) == "You would be number 3"
    assert TEXTS.place("de", 2**63) == "Sie wären Nummer 9.223.372.036.854.775.808"


def test_an_opening_is_said_in_the_entry_points_time_zone() -> None:
    opening = datetime(2026, 11, 30, 8, tzinfo=UTC)
    now = opening - timedelta(days=3)
    assert TEXTS.opening("en", opening, zone=BERLIN, now=now) == "Opens Monday at 09:00."
    assert TEXTS.opening("de", opening, zone=BERLIN, now=now) == "Öffnet wieder am Montag um 09:00 Uhr."
    assert TEXTS.opening("en", opening, zone=ZoneInfo("Asia/Tokyo"), now=now) == "Opens Monday at 17:00."
    assert TEXTS.opening("en", None, zone=BERLIN, now=now) == ""
    assert TEXTS.zone("de", BERLIN) == "Mitteleuropäische Zeit"


@pytest.mark.parametrize("zone", [UTC, ZoneInfo("UTC"), ZoneInfo("Etc/UTC")])
def test_the_zone_of_no_place_has_its_name_however_it_is_written(zone: tzinfo) -> None:
    assert TEXTS.zone("en", zone) == "Coordinated Universal Time"
    assert TEXTS.zone("de", zone) == "Koordinierte Weltzeit"


def test_a_zone_without_a_place_or_a_name_is_told_by_its_offset() -> None:
    assert TEXTS.zone("en", ZoneInfo("Etc/GMT+3")) == "GMT-03:00"  # POSIX counts to the west
    assert TEXTS.zone("en", ZoneInfo("Asia/Nicosia")) == "Eastern European Time"


def test_an_opening_a_week_away_has_its_date() -> None:
    opening = MONDAY + timedelta(days=7)
    assert TEXTS.opening("en", opening, zone=BERLIN, now=MONDAY) == "Opens Monday, 30 November 2026 at 13:00."


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_opening_can_be_said_in_every_language(language: str) -> None:
    words = TEXTS.opening(language, MONDAY, zone=BERLIN, now=MONDAY)
    assert "%" not in words
    assert re.search(r"0?1:00|13:00", words)
    assert TEXTS.zone(language, BERLIN)


@pytest.mark.parametrize(
    ("asked", "given_"),
    [
        (None, "en"),
        ("", "en"),
        ("de", "de"),
        ("de-AT", "de"),
        ("DE_at", "de"),
        ("pt", "pt-BR"),
        ("pt-PT", "pt-BR"),
        ("zh", "zh-Hans"),
        ("zh-CN", "zh-Hans"),
        ("zh-hans-SG", "zh-Hans"),
        ("iw-IL", "he"),
        ("ar-EG", "ar"),
        ("sv", "en"),
        ("x", "en"),
        ("../../etc/passwd", "en"),
        ("de\x00", "en"),
        ("de\n", "en"),
        ("d" * 10_000, "en"),
        ("de-" * 5000, "en"),
    ],
)
def test_the_nearest_language_is_taken_and_odd_tags_get_english(asked: str | None, given_: str) -> None:
    assert TEXTS.negotiate(asked) == given_


@given(st.text(max_size=60))
def test_any_tag_gets_a_language_there_is(tag: str) -> None:
    assert TEXTS.negotiate(tag) in TEXTS.languages


def test_arabic_and_hebrew_read_from_the_right() -> None:
    assert [each for each in TEXTS.languages if TEXTS.language(each).locale.text_direction == "rtl"] == ["ar", "he"]
    assert TEXTS.name("en") == "English"
    assert TEXTS.name("ar") == "العربية"


def test_an_operator_adds_a_language_and_what_it_lacks_is_said_in_english(tmp_path: Path) -> None:
    _write(tmp_path, "sv.po", 'msgid "Chat with us"\nmsgstr "Chatta med oss"')
    texts = Texts.load(tmp_path)
    assert texts.negotiate("sv-SE") == "sv"
    assert texts.gettext("sv", "Chat with us") == "Chatta med oss"
    assert texts.gettext("sv", "Try again") == "Try again"
    assert texts.wait("sv", 240) == "about 4 minuter"


@pytest.mark.parametrize("layout", ["de.po", "de/LC_MESSAGES/ece_widget.po"])
def test_an_operator_changes_one_sentence(tmp_path: Path, layout: str) -> None:
    _write(tmp_path, layout, 'msgid "Chat with us"\nmsgstr "Fragen Sie uns"')
    texts = Texts.load(tmp_path)
    assert texts.faults == ()
    assert texts.gettext("de", "Chat with us") == "Fragen Sie uns"
    assert texts.gettext("de", "Try again") == "Noch einmal versuchen"


@pytest.mark.parametrize(
    ("file", "content", "fault"),
    [
        ("de.po", 'msgid "about %(duration)s"\nmsgstr "ca. %(time)s"', "placeholder 'time'"),
        ("de.po", 'msgid "about %(duration)s"\nmsgstr "100 % %(duration)s"', "single %"),
        ("de.po", "Chat with us = Fragen Sie uns", "cannot be used"),
        ("xx_yy_zz.po", 'msgid "Chat"\nmsgstr "Chat"', "cannot be used"),
        ("not a language.po", "", "no language tag"),
        ("pl.po", 'msgid ""\nmsgstr "Plural-Forms: nplurals=2; plural=(n != 1);\\n"', "nplurals=2"),
    ],
)
def test_a_catalog_that_cannot_be_used_is_named_and_ours_stands(
    tmp_path: Path, file: str, content: str, fault: str
) -> None:
    _write(tmp_path, file, content)
    texts = Texts.load(tmp_path)
    assert fault in "\n".join(map(str, texts.faults))
    assert texts.wait("de", 240) == "etwa 4 Minuten"


def _write(folder: Path, name: str, content: str) -> None:
    file = folder / "locales" / name
    file.parent.mkdir(parents=True)
    file.write_text(content + "\n", encoding="utf-8")


def _first(text: Text) -> str:
    return text if isinstance(text, str) else text[0]
