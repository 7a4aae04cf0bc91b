"""The snippet on a host page: strict policies, hostile pages, every way of pasting it, and leaving without a trace."""

from __future__ import annotations

import pytest
from playwright.sync_api import BrowserContext, ConsoleMessage, Page, expect

from tests.browser.page_time import visit
from tests.browser.standin import StubServers

BUTTON = ".ece-chat-button"
STRICT = "default-src 'none'; script-src {origin}; connect-src {origin}; require-trusted-types-for 'script'"
LISTED = STRICT + "; trusted-types ece-widget"


def warnings_of(page: Page) -> list[str]:
    texts: list[str] = []

    def note(message: ConsoleMessage) -> None:
        if message.type in {"warning", "error"}:
            texts.append(message.text)

    page.on("console", note)
    return texts


@pytest.mark.parametrize("policy", [STRICT, LISTED], ids=["strict", "with a list of Trusted Types policies"])
def test_no_policy_is_violated(at: StubServers, page: Page, policy: str) -> None:
    page.add_init_script("""
      window.violations = [];
      addEventListener('securitypolicyviolation', (event) => violations.push(event.violatedDirective + event.sample));
    """)
    policies = {"Content-Security-Policy": policy.format(origin=at.origin)}
    warnings = warnings_of(page)
    page.goto(at.page(at.tag() + at.tag('data-entry-point="support" data-target="main"'), headers=policies))
    expect(page.locator(BUTTON)).to_have_count(2)
    expect(page.locator(BUTTON).first).to_have_css("min-height", "44px")
    with page.expect_popup():
        page.locator(BUTTON).first.click()
    page.evaluate("eceChat.destroy()")
    assert page.evaluate("violations") == []
    assert warnings == []


def test_an_isolated_page_takes_the_script_with_its_integrity_hash(at: StubServers, page: Page) -> None:
    copy = at.files.current
    tag = at.tag(f'data-entry-point="sales" integrity="{copy.integrity}" crossorigin', f"/{copy.name}")
    isolated = {"Cross-Origin-Embedder-Policy": "require-corp", "Cross-Origin-Opener-Policy": "same-origin"}
    page.goto(at.page(tag, headers=isolated))
    expect(page.locator(BUTTON)).to_be_visible()


def test_no_cookie_no_storage_and_one_global(at: StubServers, page: Page, context: BrowserContext) -> None:
    names = "Object.getOwnPropertyNames(window)"
    page.goto(at.page("nothing", "/bare"))
    bare = set(page.evaluate(names))
    page.goto(at.page(at.tag()))
    expect(page.locator(BUTTON)).to_be_visible()
    assert set(page.evaluate(names)) - bare == {"eceChat"}
    assert context.cookies() == []
    assert page.evaluate("[localStorage.length, sessionStorage.length]") == [0, 0]
    assert page.evaluate("(async () => [(await indexedDB.databases()).length, (await caches.keys()).length])()") == [
        0,
        0,
    ]


def test_the_page_does_not_shift(at: StubServers, page: Page) -> None:
    page.add_init_script("""
      window.shift = 0;
      new PerformanceObserver((list) => list.getEntries().forEach((each) => { window.shift += each.value; }))
        .observe({ type: 'layout-shift', buffered: true });
    """)
    page.goto(at.page("<p>Words</p>" * 40 + at.tag()))
    expect(page.locator(BUTTON)).to_be_visible()
    assert page.evaluate("window.shift") == 0


@pytest.mark.parametrize(
    "body",
    [
        "{tag}{tag}",
        "<script>for (const at of [1, 2]) {{ const s = document.createElement('script'); s.src = '{src}';"
        "s.dataset.entryPoint = 'sales'; document.body.append(s); }}</script>",
        '<script type="module" src="{src}" data-entry-point="sales"></script>',
        '<script async src="{src}#entry-point=sales"></script>',
        "<script>{{ const s = document.createElement('script'); s.src = '{src}#entry-point=sales';"
        "document.head.append(s); }}</script>",
        '<div id="root"></div><script>{{ const s = document.createElement("script"); s.src = "{src}#entry-point=sales";'
        'document.getElementById("root").attachShadow({{ mode: "open" }}).append(s); }}</script>{tag}',
    ],
    ids=["twice", "injected twice", "module", "fragment", "tag manager", "from a shadow tree"],
)
def test_however_it_is_pasted_there_is_one_button(at: StubServers, page: Page, body: str) -> None:
    page.goto(at.page(body.format(tag=at.tag(), src=at.origin + "/widget.js")))
    expect(page.locator(BUTTON)).to_be_visible()
    page.wait_for_load_state("networkidle")
    expect(page.locator(BUTTON)).to_have_count(1)


def test_it_may_stand_in_the_head_and_block(at: StubServers, page: Page) -> None:
    tag = at.tag().replace("async ", "")
    page.goto(at.page("", head=tag))
    expect(page.locator(BUTTON)).to_be_visible()


def test_another_copy_of_another_version_makes_no_second_button(at: StubServers, page: Page) -> None:
    page.goto(at.page(at.tag() + at.tag(path="/widget.src.js")))
    expect(page.locator(BUTTON)).to_be_visible()
    page.wait_for_load_state("networkidle")
    expect(page.locator(BUTTON)).to_have_count(1)


def test_the_readable_source_runs_as_it_is(at: StubServers, page: Page) -> None:
    page.goto(at.page(at.tag(path="/widget.src.js")))
    expect(page.locator(BUTTON)).to_be_visible()


def test_elements_stand_where_the_author_put_them_any_number_of_times(at: StubServers, page: Page) -> None:
    names = {"a": "sales", "b": "support", "c": "sales"}
    body = "".join(f'<p id="{spot}"><ece-chat entry-point="{name}"></ece-chat></p>' for spot, name in names.items())
    page.goto(at.page(body + at.tag("")))
    for spot in "abc":
        expect(page.locator(f"#{spot} {BUTTON}")).to_be_visible()
    expect(page.locator(BUTTON)).to_have_count(3)


@pytest.mark.parametrize(
    "swap",
    [
        "document.body.innerHTML = '<h1>New</h1>'",
        "document.body.replaceWith(document.createElement('body'))",
        "document.documentElement.replaceChildren(document.head, document.createElement('body'))",
    ],
)
def test_the_scripts_own_launcher_comes_back(at: StubServers, page: Page, swap: str) -> None:
    page.goto(at.page(at.tag()))
    expect(page.locator(BUTTON)).to_be_visible()
    page.evaluate(swap)
    expect(page.locator(BUTTON)).to_be_visible()
    at.chat.position = "2"
    page.evaluate("eceChat.refresh()")
    expect(page.locator(BUTTON)).to_contain_text("number 2")
    expect(page.locator(BUTTON)).to_have_count(1)


def test_a_corner_launcher_that_the_page_removes_stays_removed(at: StubServers, page: Page) -> None:
    visit(page, at.page(at.tag()))
    expect(page.locator(BUTTON)).to_be_visible()
    page.evaluate("document.querySelector('ece-chat').remove()")
    page.clock.run_for(1_000)
    asked = len(at.chat.requests)
    page.clock.run_for(60_000)
    page.evaluate("eceChat.refresh()")
    page.clock.run_for(1_000)
    assert page.locator("ece-chat").count() == 0
    assert len(at.chat.requests) == asked


def test_a_launcher_comes_back_into_a_target_that_was_drawn_anew(at: StubServers, page: Page) -> None:
    page.goto(
        at.page('<div id="view"><p id="spot"></p></div>' + at.tag('data-entry-point="sales" data-target="#spot"'))
    )
    expect(page.locator("#spot " + BUTTON)).to_be_visible()
    page.evaluate("document.querySelector('#view').innerHTML = '<h2>Next</h2><p id=spot></p>'")
    expect(page.locator("#spot " + BUTTON)).to_be_visible()
    expect(page.locator(BUTTON)).to_have_count(1)


def test_the_next_pages_tag_replaces_the_launcher_of_a_tag_that_has_gone(at: StubServers, page: Page) -> None:
    page.goto(at.page(f'<div id="view">{at.tag()}</div>'))
    expect(page.locator(BUTTON)).to_be_visible()
    page.evaluate(
        """(src) => {
          const next = document.createElement('script');
          next.src = src;
          document.querySelector('#view').replaceChildren(next);
        }""",
        at.origin + "/widget.js#entry-point=support",
    )
    expect(page.locator("ece-chat[entry-point=support] " + BUTTON)).to_be_visible()
    expect(page.locator("ece-chat")).to_have_count(1)


def test_create_applies_its_options_to_the_launcher_that_is_there(at: StubServers, page: Page) -> None:
    page.goto(at.page(at.tag()))
    expect(page.locator(BUTTON)).to_be_visible()
    same = "eceChat.create({ entryPoint: 'sales', locale: 'de' }) == document.querySelector('ece-chat')"
    with page.expect_request("**/v1/launcher/sales?locale=de&theme="):
        assert page.evaluate(same)
    page.evaluate("document.querySelector('ece-chat').setAttribute('entry-point', 'support')")
    page.evaluate("eceChat.create({ entryPoint: 'sales' })")  # another one: the first asks for support by now
    expect(page.locator(BUTTON)).to_have_count(2)


@pytest.mark.parametrize("times", [1, 3])
def test_destroy_and_a_new_tag_at_once_give_one_launcher(at: StubServers, page: Page, times: int) -> None:
    page.goto(at.page(at.tag()))
    expect(page.locator(BUTTON)).to_be_visible()
    page.evaluate(
        """async ([src, times]) => {
          for (let turn = 0; turn < times; turn++) {
            eceChat.destroy();
            const script = document.createElement('script');
            script.src = src;
            const loaded = new Promise((done) => { script.onload = done; });
            document.head.append(script);
            await loaded;
          }
        }""",
        [at.origin + "/widget.js#entry-point=sales", times],
    )
    expect(page.locator(BUTTON)).to_be_visible()
    page.wait_for_load_state("networkidle")
    expect(page.locator("ece-chat")).to_have_count(1)


def test_an_element_of_the_author_stays_away_and_asks_nothing_more(at: StubServers, page: Page) -> None:
    visit(page, at.page('<ece-chat entry-point="sales"></ece-chat>' + at.tag("")))
    expect(page.locator(BUTTON)).to_be_visible()
    page.evaluate("document.querySelector('ece-chat').remove()")
    page.clock.run_for(1_000)
    asked = len(at.chat.requests)
    page.clock.run_for(60_000)
    assert page.locator("ece-chat").count() == 0
    assert len(at.chat.requests) == asked


def test_destroy_leaves_no_trace_and_the_script_may_come_again(at: StubServers, page: Page) -> None:
    page.goto(at.page('<p><ece-chat entry-point="support"></ece-chat></p>'))
    before = page.evaluate("document.documentElement.outerHTML")
    tag = f"""() => new Promise((done) => {{
      const script = document.createElement('script');
      script.src = '{at.origin}/widget.js#entry-point=sales';
      script.onload = () => {{ script.remove(); done(); }};
      document.head.append(script);
    }})"""
    page.evaluate(tag)
    expect(page.locator(BUTTON)).to_have_count(2)
    page.evaluate("eceChat.destroy()")
    assert page.evaluate("document.documentElement.outerHTML") == before
    assert page.evaluate("'eceChat' in window") is False
    expect(page.locator(BUTTON)).to_have_count(0)
    asked = len(at.chat.requests)
    page.evaluate("dispatchEvent(new Event('online'))")
    page.wait_for_load_state("networkidle")
    assert len(at.chat.requests) == asked
    page.evaluate(tag)
    expect(page.locator(BUTTON)).to_have_count(2)


HOSTILE = {
    "unset": "<style>* { all: unset !important }</style>",
    "no buttons": "<style>button, ece-chat * { display: none !important }</style>",
    "frozen arrays": "<script>Object.freeze(Array.prototype); Object.freeze(Object.prototype);</script>",
    "polluted prototypes": "<script>Object.prototype.foo = 'bar'; Array.prototype.each = () => {};</script>",
    "no console": "<script>window.console = undefined;</script>",
    "named like our global": '<form id="eceChat"><input name="create"></form>',
    "methods that return something else": "<script>"
    "for (const name of ['remove', 'append', 'replaceWith', 'replaceChildren']) {"
    " const true_one = Element.prototype[name];"
    " Element.prototype[name] = function (...given) { true_one.apply(this, given); return this; }; }</script>",
    "no observers and no style sheets": "<script>delete window.IntersectionObserver; delete window.CSSStyleSheet;"
    " delete window.requestIdleCallback; delete AbortSignal.timeout;</script>",
    "named like what some browsers lack": '<form id="trustedTypes"><input name="createPolicy"></form>'
    '<p id="requestIdleCallback"></p><p id="IntersectionObserver"></p>',
    "a base elsewhere": '<base href="https://elsewhere.invalid/deep/">',
}


@pytest.mark.parametrize("extra", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_pages_get_their_button(at: StubServers, page: Page, extra: str) -> None:
    page.goto(at.page(extra + at.tag()))
    expect(page.locator(BUTTON)).to_be_visible()
    box = page.locator(BUTTON).bounding_box()
    assert box is not None
    assert box["height"] >= (44 if "CSSStyleSheet" not in extra else 1)


def test_what_is_announced_is_a_status_where_roles_are_attributes_alone(at: StubServers, page: Page) -> None:
    """Firefox before 119 has the attribute `role` and no property of that name."""
    page.goto(at.page("<script>delete Element.prototype.role;</script>" + at.tag()))
    expect(page.get_by_role("status")).to_have_text("You would be number 3.")


def test_without_style_sheets_of_its_own_a_dock_is_a_window(at: StubServers, page: Page) -> None:
    at.chat.open_in = "dock"
    page.goto(at.page("<script>delete window.CSSStyleSheet; delete window.HTMLDialogElement;</script>" + at.tag()))
    with page.expect_popup():
        page.locator(BUTTON).click()
    with page.expect_popup():
        page.evaluate("(url) => eceChat.survey(url)", at.origin + "/survey/abc")
    assert page.locator("ece-chat-panel").count() == 0


@pytest.mark.parametrize(
    "fetch",
    [
        "undefined",
        "'garbage'",
        "() => {{ throw new Error('no') }}",
        "() => 7",
        "async () => ({{}})",
        "() => new Promise(() => {{}})",
    ],
)
def test_a_page_without_a_working_fetch_is_left_in_peace(at: StubServers, page: Page, fetch: str) -> None:
    page.goto(at.page(f"<script>window.fetch = {fetch.format()};</script>" + at.tag()))
    page.wait_for_function("window.eceChat && document.querySelector('ece-chat')")
    page.evaluate("eceChat.refresh()")
    with page.expect_popup():
        page.evaluate("eceChat.open('sales')")
    assert page.locator(BUTTON).count() == 0


def test_quirks_mode_and_xhtml(at: StubServers, page: Page) -> None:
    page.goto(at.site.page("/quirks", f"<html><body>{at.tag()}"))
    assert page.evaluate("document.compatMode") == "BackCompat"
    expect(page.locator(BUTTON)).to_be_visible()
    xhtml = (
        '<html xmlns="http://www.w3.org/1999/xhtml" lang="en"><head><title>X</title></head><body><p>x</p>'
        f"{at.tag().replace('async ', '')}</body></html>"
    )
    at.chat.open_in = "dock"
    page.goto(at.site.page("/xhtml", xhtml, {"Content-Type": "application/xhtml+xml"}))
    expect(page.locator(BUTTON)).to_be_visible()
    page.locator(BUTTON).click()
    expect(page.get_by_role("dialog")).to_be_visible()


@pytest.mark.parametrize(
    "value",
    ["<img src=x onerror=alert(1)>", "javascript:alert(1)", "../../etc/passwd", "\\ud800", "x" * 1_000_000, "1001"],
    ids=["markup", "script address", "path", "lone surrogate", "a megabyte", "number"],
)
def test_odd_values_are_harmless(at: StubServers, page: Page, value: str) -> None:
    page.goto(at.page(at.tag("")))
    page.wait_for_function("window.eceChat")
    page.evaluate(
        """(value) => {
          if (value == '\\\\ud800') value = '\\ud800';
          for (const name of ['locale', 'theme', 'open', 'target', 'entryPoint']) {
            const spot = document.createElement('p');
            spot.id = 'spot-' + name;
            document.body.append(spot);
            eceChat.create({ entryPoint: 'sales', target: '#' + spot.id, [name]: value });
          }
        }""",
        value,
    )
    expect(page.locator(BUTTON)).to_have_count(4)
    assert all(len(each) < 300 for each in at.chat.requests)


def test_a_target_that_matches_nothing_warns_and_falls_back_to_a_corner(at: StubServers, page: Page) -> None:
    warnings = warnings_of(page)
    page.goto(at.page(at.tag('data-entry-point="sales" data-target="#none"')))
    expect(page.locator(BUTTON)).to_be_visible()
    expect(page.locator("html > ece-chat[data-placement=corner]")).to_have_count(1)
    assert [each for each in warnings if "#none" in each] == warnings
    assert len(warnings) == 1


def test_a_target_of_thousands_takes_the_first(at: StubServers, page: Page) -> None:
    page.goto(at.page("<i></i>" * 3000 + at.tag('data-entry-point="sales" data-target="i"')))
    expect(page.locator("i:first-of-type " + BUTTON)).to_be_visible()
    expect(page.locator(BUTTON)).to_have_count(1)


def test_unknown_attributes_warn(at: StubServers, page: Page) -> None:
    warnings = warnings_of(page)
    page.goto(
        at.page(
            '<ece-chat entry-point="sales" entrypoint="x" class="a" id="b" lang="en" data-x="y"></ece-chat>'
            + at.tag('data-entry-point="support" data-colour="red"')
        )
    )
    expect(page.locator(BUTTON)).to_have_count(2)
    assert sorted(warnings) == ["ece-chat unknown colour", "ece-chat unknown entrypoint"]


def test_what_other_tools_write_on_our_elements_is_no_mistake(at: StubServers, page: Page) -> None:
    """Angular, htmx and Vue on the element; Astro, Turbo and swup on the tag."""
    warnings = warnings_of(page)
    element = (
        '<ece-chat entry-point="sales" _ngcontent-ng-c17 hx-preserve v-cloak data-v-7ba5 aria-label="x"></ece-chat>'
    )
    marks = "data-astro-exec data-turbo-track='reload' data-swup-ignore-script"
    page.goto(at.page(element + at.tag(f'data-entry-point="support" {marks} data-entry-pont="x"')))
    expect(page.locator(BUTTON)).to_have_count(2)
    assert warnings == ["ece-chat unknown entry-pont"]


def test_a_printed_page_is_without_it(at: StubServers, page: Page) -> None:
    page.goto(at.page(at.tag()))
    expect(page.locator(BUTTON)).to_be_visible()
    page.emulate_media(media="print")
    expect(page.locator(BUTTON)).to_be_hidden()
