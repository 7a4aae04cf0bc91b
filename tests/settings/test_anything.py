"""Whatever stands in the file or the environment: settings, or a list of faults, and nothing else."""

from __future__ import annotations

import copy
import json
import re
from datetime import date
from typing import Any

from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st

from widget import settings

TODAY = date(2026, 11, 24)

GOOD: dict[str, Any] = {
    "server": {"public_url": "https://chat.example.com"},
    "security": {"secret_keys": ["a-secret-for-tests-that-is-long-enough"]},
    "ece": {"base_url": "https://ece.example.com/system"},
    "entry_points": {"sales": {"id": 1001, "chat_url": "https://ece.example.com/{id}"}},
}
PLACES = re.findall(
    r"\S+",
    """
server server.public_url server.allowed_origins server.trusted_proxies server.metrics_listen security
security.secret_keys security.operator_tokens security.secret_keys_file ece ece.base_url ece.ca_file ece.client_cert
ece.client_key ece.timeout ece.fresh_for ece.proxy ece.survey_path entry_points entry_points.sales entry_points.sales.id
entry_points.sales.chat_url entry_points.sales.checks entry_points.sales.hours entry_points.sales.hours.special
entry_points.sales.locales entry_points.sales.survey surveys surveys.after surveys.after.questions
surveys.after.questions.0.id storage storage.url shared shared.url themes themes.directory limits.public unknown
""",
)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
texts = st.text(max_size=30) | anything.map(lambda value: json.dumps(value, default=str))


@given(
    file=st.dictionaries(st.sampled_from(PLACES), anything, max_size=3),
    environ=st.dictionaries(st.sampled_from(PLACES), texts, max_size=3),
)
@limits(max_examples=400)
def test_anything_is_settings_or_a_list_of_faults(file: dict[str, Any], environ: dict[str, str]) -> None:
    table = copy.deepcopy(GOOD)
    for place, value in file.items():
        *path, last = place.split(".")
        node: Any = table
        for part in path:
            node = node.setdefault(part, {}) if isinstance(node, dict) else {}
        if isinstance(node, dict):
            node[last] = value
    variables = {f"ECE_WIDGET_{place.upper().replace('.', '__')}": text for place, text in environ.items()}
    try:
        found = settings.parse(table, environ=variables)
    except settings.SettingsFaults as faults:
        told = len(str(faults).splitlines())
    else:
        told = len([*settings.warnings(found, today=TODAY), *found.policies()]) + 2
    assert told >= 2
