"""One spelling of a query may be kept by a cache; whatever else a visitor writes is answered alike and kept nowhere.

That the script writes this one is a test of the browser's (tests/browser/test_element.py).
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations, permutations, product
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.web.conftest import Site
from widget.web.public.spelling import is_canonical, query_fields

pytestmark = pytest.mark.anyio

LAUNCHER = "/v1/launcher/sales"
MANY = "&".join(f"x{at}=1" for at in range(17))
CANONICAL = [f"locale={locale}&theme={theme}" for locale in ("", "de", "DE", "ar", "de-AT") for theme in ("", "bold")]
OTHERS = [
    *("", "locale=de", "theme=bold", "theme=bold&locale=de", "locale=de&theme=bold&", "&locale=de&theme=bold"),
    *("LOCALE=ar&theme=bold", "locale=de&THEME=bold", "locale=de&theme=Bold", "Locale=ar&locale=de&theme=bold"),
    *("locale=&locale=ar", "locale=&locale=ar&theme=", "locale=de&locale=ar&theme=bold", "locale=de&theme=&theme=bold"),
    *("locale=de&%74heme=bold", "locale=de&theme=%62old", "%6cocale=ar&theme=bold", "locale=%64e&theme=bold"),
    *(f"{MANY}&locale=de&theme=bold", f"locale=de&theme=bold&{MANY}", "locale=de&theme=bold&x=1", "x=1&locale=de"),
    *("locale=de;theme=bold", "locale=de&theme=bold;locale=ar", "locale[]=ar&theme=bold", "locale=de+&theme=bold"),
    *(
        "locale&theme",
        "locale=de&theme",
        "locale=d%00e&theme=bold",
        "locale=de&theme=bold%0a",
        "locale=de&amp;theme=bold",
    ),
    *(
        "locale=" + "x" * 36 + "&theme=",
        "locale=de&theme=" + "x" * 65,
        "?locale=de&theme=bold",
        "locale==de&theme=bold",
    ),
]


def fields(query: str) -> list[tuple[str, str]]:
    return [(name, value) for name, _, value in (pair.partition("=") for pair in query.split("&")) if name]


# How caches and proxies tell two queries apart: the key that each makes of one.
READERS: dict[str, Callable[[str], object]] = {
    "as it is": lambda query: query,
    "small letters": str.lower,
    "sorted": lambda query: sorted(fields(query)),
    "first of each name, any case": lambda query: {
        name.lower(): value for name, value in reversed(fields(query)) if name.lower() in ("locale", "theme")
    },
    "last of each name": lambda query: {k: v for k, v in fields(query) if k in ("locale", "theme")},
    "decoded, blank ones dropped, last of each name": lambda query: dict(parse_qsl(query)),
    "decoded, first of each name": lambda query: dict(reversed(parse_qsl(query, keep_blank_values=True))),
    "also at semicolons": lambda query: dict(fields(query.replace(";", "&"))),
    "sixteen fields": lambda query: fields(query)[:16],
}


async def answers(site: Site, queries: list[str]) -> dict[str, tuple[bool, bytes]]:
    """Return for each query whether a cache may keep the answer, and its body; the same by route and by fast exit."""
    found = {}
    for query in queries:
        answer = await site.get(f"{LAUNCHER}?{query}" if query else LAUNCHER)
        scope = {"method": "GET", "path": LAUNCHER, "query_string": query.encode(), "headers": []}
        ready = site.services.answers.at_once(scope)
        assert ready is not None
        assert ready[-1] == answer.content
        control = answer.headers["cache-control"]
        assert f"cache-control: {control}\r\n".encode() in b"".join(ready)
        assert control == "no-store" or control.startswith("public, max-age=")
        found[query] = control != "no-store", answer.content
    return found


async def test_only_the_spelling_of_the_script_is_for_caches(site: Site) -> None:
    found = await answers(site, [*CANONICAL, *OTHERS])
    assert {query for query, (kept, _) in found.items() if kept} == set(CANONICAL)


async def test_no_two_spellings_that_a_cache_may_take_for_one_are_kept_with_different_answers(site: Site) -> None:
    parts = ["locale=de", "locale=ar", "LOCALE=ar", "locale=", "theme=bold", "%74heme=civic", "theme=", "x=1"]
    made = ["&".join(chosen) for length in (1, 2, 3) for chosen in permutations(parts, length)]
    found = await answers(site, [*CANONICAL, *OTHERS, *made])
    assert len({body for _, body in found.values()}) >= 6
    for reader in READERS.values():
        groups: dict[str, list[tuple[bool, bytes]]] = {}
        for query, answer in found.items():
            groups.setdefault(repr(reader(query)), []).append(answer)
        for group in groups.values():
            for (kept, body), (kept_too, other) in combinations(group, 2):
                assert not (kept and kept_too) or body == other


async def test_another_spelling_gets_the_answer_that_it_asks_for(site: Site) -> None:
    for locale, theme in product(("de", "ar"), ("bold", "civic")):
        usual = (await site.get(f"{LAUNCHER}?locale={locale}&theme={theme}")).content
        for query in (
            f"theme={theme}&locale={locale}",
            f"x=1&locale={locale}&theme={theme}",
            f"locale=&locale={locale}&theme={theme}",
            f"%6cocale={locale}&theme=%{ord(theme[0]):x}{theme[1:]}",
        ):
            answer = await site.get(f"{LAUNCHER}?{query}")
            assert answer.status_code == 200, "never a redirect"
            assert answer.content == usual
            assert answer.headers["cache-control"] == "no-store"


async def test_a_status_takes_no_fields_so_that_one_with_any_is_kept_nowhere(site: Site) -> None:
    plain = await site.get("/v1/status/sales")
    assert plain.headers["cache-control"].startswith("public")
    for query in ("locale=de&theme=", "x=1", "x"):
        answer = await site.get(f"/v1/status/sales?{query}")
        assert answer.content == plain.content
        assert answer.headers["cache-control"] == "no-store"


async def test_an_encoded_path_is_answered_and_kept_nowhere(site: Site) -> None:
    for path, query in (("/v1/status/", ""), ("/v1/launcher/", "?locale=de&theme=")):
        plain, encoded = await site.get(f"{path}sales{query}"), await site.get(f"{path}%73ales{query}")
        assert encoded.content == plain.content
        assert plain.headers["cache-control"].startswith("public")
        assert encoded.headers["cache-control"] == "no-store"


async def test_another_spelling_known_to_be_current_is_a_304_that_is_kept_nowhere(site: Site) -> None:
    first = await site.get(f"{LAUNCHER}?theme=bold&locale=de")
    again = await site.get(f"{LAUNCHER}?theme=bold&locale=de", headers={"if-none-match": first.headers["etag"]})
    assert again.status_code == 304
    assert again.headers["cache-control"] == "no-store"


@given(st.from_regex(r"locale=[ -~]{0,40}&theme=[ -~]{0,70}", fullmatch=True) | st.text(max_size=100))
def test_a_canonical_query_reads_the_same_to_everybody(query: str) -> None:
    if not is_canonical(b"/v1/launcher/sales", query.encode(errors="replace"), takes_fields=True):
        return
    assert [name for name, _ in fields(query)] == ["locale", "theme"]
    told = dict(fields(query))
    assert dict(parse_qsl(query, keep_blank_values=True)) == told
    assert query_fields(query.encode()) == {name: value for name, value in told.items() if value}
