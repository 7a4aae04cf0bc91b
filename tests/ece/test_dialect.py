"""Which form of the survey call comes next, and when every form was refused for good."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from widget.ece.dialect import (
    GUIDE_PATH,
    TEMPLATE_PATH,
    Dialect,
    Format,
    Negotiation,
    candidates,
    is_permanent,
    negotiation,
    recalled,
    refused,
    remembered,
)

GUIDE = Dialect(GUIDE_PATH, Format.PLAIN)
GUIDE_NAMESPACE = Dialect(GUIDE_PATH, Format.NAMESPACE)
TEMPLATE_PLAIN = Dialect(TEMPLATE_PATH, Format.PLAIN)
TEMPLATE = Dialect(TEMPLATE_PATH, Format.NAMESPACE)
ALL = candidates("auto", "auto")


def talk(*statuses: int, accepted: Dialect | None = None) -> Negotiation | None:
    state: Negotiation | None = negotiation(ALL, accepted)
    for status in statuses:
        assert state is not None
        state = refused(state, status)
    return state


def test_the_guides_form_goes_first_and_its_path_is_kept_before_the_other_is_tried() -> None:
    assert ALL == (GUIDE, GUIDE_NAMESPACE, TEMPLATE_PLAIN, TEMPLATE)


def test_a_setting_leaves_one_path_or_one_format() -> None:
    assert candidates("/x/survey", "auto") == (
        Dialect("/x/survey", Format.PLAIN),
        Dialect("/x/survey", Format.NAMESPACE),
    )
    assert candidates("auto", "namespace") == (GUIDE_NAMESPACE, TEMPLATE)
    assert candidates("/x/survey", "plain") == (Dialect("/x/survey", Format.PLAIN),)


@pytest.mark.parametrize("status", [404, 405])
def test_a_refused_path_takes_all_its_formats_with_it(status: int) -> None:
    state = talk(status)
    assert state is not None
    assert state.waiting == (TEMPLATE_PLAIN, TEMPLATE)


@pytest.mark.parametrize("status", [400, 413, 415, 422, 500])
def test_a_refused_form_leaves_the_other_format_of_its_path(status: int) -> None:
    state = talk(status)
    assert state is not None
    assert state.waiting == (GUIDE_NAMESPACE, TEMPLATE_PLAIN, TEMPLATE)


@pytest.mark.parametrize("status", [302, 401, 402, 403, 406, 408, 409, 410, 418, 425, 429, 431, 501, 502, 503, 504, 0])
def test_any_other_status_refuses_no_form(status: int) -> None:
    assert talk(status) is None


def test_500_refuses_a_form_only_as_long_as_none_was_accepted() -> None:
    assert talk(500) is not None
    assert talk(500, accepted=TEMPLATE) is None
    assert talk(400, 500, accepted=TEMPLATE) is None


def test_what_was_accepted_goes_first_and_the_others_follow_when_it_is_refused() -> None:
    assert negotiation(ALL, TEMPLATE).waiting == (TEMPLATE, GUIDE, GUIDE_NAMESPACE, TEMPLATE_PLAIN)
    state = talk(404, accepted=TEMPLATE)
    assert state is not None
    assert state.waiting == (GUIDE, GUIDE_NAMESPACE)
    assert negotiation((GUIDE,), TEMPLATE).waiting == (GUIDE,)


@pytest.mark.parametrize(
    ("statuses", "accepted", "permanent"),
    [
        ((400, 400, 400, 400), None, True),
        ((415, 422, 413, 400), None, True),
        ((404, 400, 400), None, True),
        ((400, 400, 404), None, True),
        ((404, 404), None, False),
        ((405, 404), None, False),
        ((500, 500, 500, 500), None, False),
        ((404, 400, 500), None, False),
        ((400, 404, 400), TEMPLATE, True),
        ((404, 400, 400), TEMPLATE, False),  # a restarting ECE has not yet the path that it accepted before
        ((404, 404), TEMPLATE, False),
        ((400,), None, False),  # forms are left
        ((), None, False),
    ],
)
def test_a_survey_is_refused_for_good_once_every_form_was_refused_for_what_it_is(
    statuses: tuple[int, ...], accepted: Dialect | None, permanent: bool
) -> None:
    state = talk(*statuses, accepted=accepted)
    assert state is not None
    assert is_permanent(state) is permanent


@given(st.lists(st.sampled_from([400, 404, 405, 413, 415, 422, 500]), max_size=9), st.sampled_from([None, *ALL]))
def test_no_form_is_sent_twice_and_the_talks_end(statuses: list[int], accepted: Dialect | None) -> None:
    state, sent = negotiation(ALL, accepted), []
    for status in statuses:
        if not state.waiting:
            break
        sent.append(state.waiting[0])
        following = refused(state, status)
        if following is None:
            break
        state = following
    assert len(set(sent)) == len(sent) <= 4


def test_the_story_of_a_refusal_names_every_form_and_status() -> None:
    assert str(talk(404, 400)) == f"404 for {GUIDE_PATH} plain; 400 for {TEMPLATE_PATH} plain"


def test_what_was_accepted_is_recalled_for_the_same_ece_and_the_same_settings_alone() -> None:
    text = remembered("https://a/system", TEMPLATE)
    assert recalled(text, "https://a/system", ALL) == TEMPLATE
    assert recalled(text, "https://b/system", ALL) is None
    assert recalled(text, "https://a/system", candidates("auto", "plain")) is None
    for odd in (None, "", "https://a/system", "x" * 9000, text + " "):
        assert recalled(odd, "https://a/system", ALL) is None
