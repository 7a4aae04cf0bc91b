"""More schedules than the suite has time for: no answer is less true than it says."""

from __future__ import annotations

import pytest

from tests.web.public.test_truth import SEEDS, hold

pytestmark = pytest.mark.soak

MORE = 5 * SEEDS


@pytest.mark.parametrize("first", range(SEEDS, SEEDS + MORE, 100))
def test_no_answer_of_a_thousand_schedules_is_less_true_than_it_says(first: int) -> None:
    hold(range(first, first + 100))
