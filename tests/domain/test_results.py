"""Figures of what was answered: by hand, against published values, and as laws."""

from __future__ import annotations

from datetime import date, timedelta
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from widget.domain.answers import check, chosen_of
from widget.domain.asked import Chosen, QuestionVersion, versions_of
from widget.domain.results import (
    FEWEST,
    Total,
    by_version,
    figures,
    score,
    share,
    steps,
)
from widget.domain.survey import Kind, Look, Option, Question, Survey, Translations

NO_TOTALS: dict[str, int] = {}


def words(text: str) -> Translations:
    return Translations({"en": text})


def question(id: str, kind: Kind, **parts: object) -> Question:
    given: dict[str, object] = {
        "text": words(f"{id}?"),
        "required": False,
        "page": 1,
        "options": (),
        "scale": 5,
        "look": Look.NUMBERS,
        "labels": MappingProxyType({}),
        "other": None,
        "max_length": 100,
        "show_if": MappingProxyType({}),
    }
    return Question(id=id, kind=kind, **{**given, **parts})  # type: ignore[arg-type]


RATING = question("helpful", Kind.RATING, labels=MappingProxyType({"1": words("not at all")}))
CHOICES = question(
    "channels",
    Kind.CHOICES,
    options=(Option("mail", words("E-mail")), Option("phone", words("Phone"))),
    other=words("Else"),
)
COMMENT = question("comment", Kind.TEXT)
SURVEY = Survey("after_chat", words("How did we do?"), "en", (RATING, CHOICES, COMMENT))
VERSIONS = versions_of(SURVEY)


def version(kind: Kind, *values: str) -> QuestionVersion:
    return QuestionVersion("after_chat", "q", kind, "q?", tuple((value, value) for value in values))


def test_a_version_has_the_words_that_visitors_of_the_surveys_language_read() -> None:
    assert VERSIONS["helpful"].options[:2] == (("1", "not at all"), ("2", "2"))
    assert VERSIONS["channels"].options == (("mail", "E-mail"), ("phone", "Phone"), ("other", "Else"))
    assert VERSIONS["comment"].options == ()


@pytest.mark.parametrize(
    "changed",
    [
        question("helpful", Kind.RATING, labels=RATING.labels, text=words("Was it helpful?")),
        question("helpful", Kind.RATING, labels=RATING.labels, scale=7),
        question("helpful", Kind.RATING),
        question("helpful", Kind.NPS),
    ],
    ids=["text", "scale", "labels", "kind"],
)
def test_a_question_that_changed_is_another_version(changed: Question) -> None:
    other = versions_of(Survey("after_chat", SURVEY.title, "en", (changed,)))["helpful"]
    assert other.id != VERSIONS["helpful"].id


def test_a_question_that_moved_or_must_be_answered_now_is_the_same_version() -> None:
    moved = question("helpful", Kind.RATING, labels=RATING.labels, required=True, page=2)
    assert versions_of(Survey("after_chat", SURVEY.title, "en", (COMMENT, moved)))["helpful"] == VERSIONS["helpful"]
    assert versions_of(Survey("another", SURVEY.title, "en", (RATING,)))["helpful"].id != VERSIONS["helpful"].id


def test_what_was_chosen_is_told_by_value_and_a_text_by_none() -> None:
    checked = check(SURVEY, {"helpful": ["4"], "channels": ["mail"], "channels.other": ["pigeon"], "comment": ["Fine"]})
    assert chosen_of(SURVEY, checked, VERSIONS) == (
        Chosen(VERSIONS["helpful"], ("4",)),
        Chosen(VERSIONS["channels"], ("mail", "other")),
        Chosen(VERSIONS["comment"], ()),
    )
    assert chosen_of(SURVEY, check(SURVEY, {"comment": ["Fine"]}), VERSIONS) == (Chosen(VERSIONS["comment"], ()),)


def test_the_mean_of_a_rating_and_its_highest_value() -> None:
    found = figures(version(Kind.RATING, "1", "2", "3"), {"": 10, "1": 2, "2": 3, "3": 5}, {"": 5, "1": 5})
    assert found.score == 2.3
    assert found.change == pytest.approx(1.3)
    assert found.top is not None
    assert (found.top.value, found.top.share) == ("3", 0.5)


def test_the_net_promoter_score_with_its_groups() -> None:
    values = tuple(str(number) for number in range(11))
    found = figures(version(Kind.NPS, *values), {"": 10, "10": 4, "9": 1, "8": 1, "7": 1, "6": 2, "0": 1})
    assert found.score == 20.0
    assert [(each.value, each.number) for each in found.groups] == [
        ("detractors", 3),
        ("passives", 2),
        ("promoters", 5),
    ]
    assert found.change is None


def test_of_fewer_than_five_answers_there_is_no_mean() -> None:
    assert score(Kind.RATING, {"": FEWEST - 1, "5": FEWEST - 1}) is None
    assert score(Kind.RATING, {"": FEWEST, "5": FEWEST}) == 5.0
    assert figures(version(Kind.RATING, "5"), NO_TOTALS).score is None


def test_a_text_and_a_choice_have_no_mean() -> None:
    assert score(Kind.TEXT, {"": 100}) is None
    assert score(Kind.YES_NO, {"": 100, "yes": 60, "no": 40}) is None
    top = figures(version(Kind.YES_NO, "yes", "no"), {"": 100, "yes": 60, "no": 40}).top
    assert top is not None
    assert top.number == 60


# NIST/SEMATECH e-Handbook of Statistical Methods, 7.2.4.1, and R's prop.test(…, correct = FALSE)
@pytest.mark.parametrize(
    ("number", "answered", "low", "high"),
    [(4, 20, 0.080658, 0.416017), (0, 10, 0.0, 0.277533), (10, 10, 0.722467, 1.0), (50, 100, 0.403832, 0.596168)],
)
def test_wilsons_interval(number: int, answered: int, low: float, high: float) -> None:
    found = share("x", "x", number, answered)
    assert found.low == pytest.approx(low, abs=1e-6)
    assert found.high == pytest.approx(high, abs=1e-6)


@given(st.integers(0, 10**6).flatmap(lambda answered: st.tuples(st.integers(0, answered), st.just(answered))))
def test_a_share_lies_within_its_interval_and_that_within_0_and_1(numbers: tuple[int, int]) -> None:
    found = share("x", "x", *numbers)
    if found.share is None or found.low is None or found.high is None:
        assert numbers[1] == 0
    else:
        assert 0 <= found.low <= found.share <= found.high <= 1


@given(st.lists(st.integers(0, 10), min_size=FEWEST))
def test_the_score_is_that_of_the_single_answers(answers: list[int]) -> None:
    totals = {"": len(answers), **{str(value): answers.count(value) for value in range(11)}}
    assert score(Kind.RATING, totals) == pytest.approx(sum(answers) / len(answers))
    alone = [100 if value >= 9 else -100 if value <= 6 else 0 for value in answers]
    assert score(Kind.NPS, totals) == pytest.approx(sum(alone) / len(alone))


def test_totals_of_several_entry_points_are_added_up() -> None:
    assert by_version([Total("a", "1", 2), Total("a", "1", 3), Total("b", "", 1)]) == {"a": {"1": 5}, "b": {"": 1}}


@pytest.mark.parametrize(("days", "number"), [(1, 1), (45, 45), (46, 8), (365, 13), (36_525, 1201)])
def test_a_line_has_days_weeks_or_months_with_none_left_out(days: int, number: int) -> None:
    since = date(2026, 1, 5)  # a Monday
    line = steps(since, since + timedelta(days=days), {}, Kind.RATING)
    assert [each.answered for each in line] == [0] * len(line)
    assert len(line) == {8: 7}.get(number, number)


@given(st.dictionaries(st.integers(0, 399), st.integers(1, 50)), st.integers(1, 400))
def test_no_answer_is_lost_on_a_line(numbers: dict[int, int], length: int) -> None:
    since = date(2026, 3, 1)
    by_day = {since + timedelta(days=day): {"": number, "4": number} for day, number in numbers.items() if day < length}
    line = steps(since, since + timedelta(days=length), by_day, Kind.RATING)
    assert sum(each.answered for each in line) == sum(each[""] for each in by_day.values())
    assert all(each.score in (None, 4.0) for each in line)
