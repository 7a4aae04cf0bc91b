"""Nothing of an answer enters a page but what launchers are made of, whoever sent it."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.standin import StubServers
from tests.browser.test_on_a_host_page import STRICT
from tests.demo_settings import demo_in
from widget.texts import Texts
from widget.themes import Themes
from widget.web.designers.samples import sample
from widget.web.pages.pages import Pages

BUTTON = ".ece-chat-button"
# Keep what the script makes of markup within reach of the test; and count what runs or loads.
WATCH = """
  window.ran = [];
  const factory = trustedTypes;
  const make = factory.createPolicy.bind(factory);
  factory.createPolicy = (name, rules) => {
    if (name == 'ece-widget') window.clean = rules.createHTML;
    return make(name, rules);
  };
"""
# Read by the browser's own parser: every element and attribute that is no part of a launcher, and every address.
FOREIGN = """(html) => {
  const clean = window.clean(html);
  const found = [];
  const own = (name, element) => Reflect.get(Element.prototype, name, element); // not what a form's fields hide
  const walk = (root) => {
    for (const element of root.querySelectorAll('*')) {
      if (['SCRIPT', 'STYLE', 'IMG', 'LINK', 'META', 'BASE', 'OBJECT', 'EMBED', 'VIDEO', 'AUDIO', 'SOURCE', 'TRACK',
        'PICTURE', 'FRAME', 'MATH', 'TEXTAREA', 'TITLE', 'NOSCRIPT'].includes(own('tagName', element).toUpperCase())
        || own('localName', element).includes('-') || ['use', 'image', 'animate', 'set', 'foreignObject', 'feimage',
        'animateMotion', 'animateTransform', 'script', 'style'].includes(own('localName', element)))
        found.push(own('outerHTML', element).slice(0, 80));
      for (const { name, value } of own('attributes', element)) {
        const link = own('localName', element) == 'a' && /^(https?|mailto|tel):/i.test(value);
        const address = name == 'href' && !link;
        if (/^on|src|style|action|srcdoc|^name$|^is$|^xmlns|xlink|background|poster|ping|popover|autofocus|shadowroot/i
          .test(name) || address || (!/^(aria|data)-/.test(name) && /url|javascript:/i.test(value) && name != 'class'
          && name != 'id' && name != 'title' && name != 'value'))
          found.push(name + '=' + value.slice(0, 60));
      }
      if (element instanceof HTMLTemplateElement) walk(element.content);
    }
  };
  const parsed = new DOMParser().parseFromString(trustedTypes.createPolicy('t' + Math.random(),
    { createHTML: (text) => text }).createHTML(clean), 'text/html');
  walk(parsed);
  return found;
}"""
HOSTILE = [
    "<img src=x onerror=ran.push(1)>",
    "<script>ran.push(1)</script>",
    "<scr<script>ipt>ran.push(1)</scr</script>ipt>",
    '<svg onload="ran.push(1)"><animate onbegin=ran.push(1) attributeName=x dur=1s>',
    "<svg><script>ran.push(1)</script></svg>",
    '<svg><use href="https://evil.test/x.svg#a"/><image href="https://evil.test/a.png"/></svg>',
    '<svg><a xlink:href="javascript:ran.push(1)"><text>x</text></a></svg>',
    '<iframe src="https://evil.test/"></iframe><iframe srcdoc="<script>parent.ran.push(1)</script>"></iframe>',
    '<object data="https://evil.test/"></object><embed src="https://evil.test/">',
    '<a href="javascript:ran.push(1)">a</a><a href="java&#115;cript:ran.push(1)">b</a>',
    '<a href=" data:text/html,x">c</a>',
    '<form action="https://evil.test/"><input type="image" src="https://evil.test/a.png"><button formaction="//evil">',
    '<p style="background:url(https://evil.test/a.png)">x</p><style>*{background:url(https://evil.test/)}</style>',
    '<link rel="stylesheet" href="https://evil.test/a.css"><meta http-equiv="refresh" content="0;url=https://evil.test">',
    '<base href="https://evil.test/"><video src="https://evil.test/a"><audio src=x onerror=ran.push(1)>',
    "<details open ontoggle=ran.push(1)><summary>x</summary></details><input autofocus onfocus=ran.push(1)>",
    "<template><img src=x onerror=ran.push(1)></template><template shadowrootmode=open><script>ran.push(1)</script>",
    '<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=ran.push(1)&gt;">',
    '<noscript><p title="</noscript><img src=x onerror=ran.push(1)>"></noscript>',
    "<textarea><img title='</textarea><img src=x onerror=ran.push(1)>'></textarea>",
    "<xmp><p title='</xmp><img src=x>'></xmp>",
    "<!--><img src=x onerror=ran.push(1)>--><!-- --!><img src=x onerror=ran.push(1)>",
    "<p title='a\"><img src=x onerror=ran.push(1)>'>x</p><p title=`><img src=x onerror=ran.push(1)>`>y",
    '<p/onclick=ran.push(1)>x</p><p\x0conclick=ran.push(1)>y</p><p "onclick=ran.push(1)>z</p>',
    '<path fill="url(https://evil.test/a.svg#x)"/><path fill="&#117;rl(//evil.test)"/>',
    '<path fill="\\75rl(//evil.test)">',
    "<ece-chat entry-point=x></ece-chat><form><input name=attributes><input id=querySelector></form>",
    "<p class='ece-chat-button' role=button tabindex=1 popovertarget=x is=evil-element>x</p>",
]


def _root(markup: str, css: str = "") -> str:
    attributes = 'data-entry-point="sales" data-show="true" data-state="available" data-next-check="5"'
    style = f'<template class="ece-chat-css">:host {{ --drawn: 1 }} {css}</template>'
    button = '<button type="button" class="ece-chat-button">Chat</button>'
    return f'<div class="ece-chat" {attributes}>{style}{button}{markup}</div>'


def _answer_with(page: Page, html: str) -> list[str]:
    """Answer for the launcher with `html`; give what is asked of a stranger's server."""
    asked: list[str] = []

    def launcher(route: Route) -> None:
        route.fulfill(body=html, content_type="text/html", headers={"Access-Control-Allow-Origin": "*"})

    def stranger(route: Route) -> None:
        asked.append(route.request.url)
        route.abort()

    page.route("**/v1/launcher/**", launcher)
    page.route("**://*evil*/**", stranger)
    return asked


@pytest.mark.parametrize("policy", ["", STRICT], ids=["no policy", "trusted types"])
def test_nothing_of_a_hostile_answer_runs_or_loads(at: StubServers, page: Page, policy: str) -> None:
    page.add_init_script(WATCH)
    asked = _answer_with(page, _root("".join(HOSTILE)))
    headers = {"Content-Security-Policy": policy.format(origin=at.origin)} if policy else {}
    page.goto(at.page(at.tag(), headers=headers))
    expect(page.locator(BUTTON).first).to_be_visible()
    page.locator(BUTTON).first.hover()
    for link in page.locator("ece-chat a").all():
        link.dispatch_event("click")
    page.wait_for_load_state("networkidle")
    assert page.evaluate("ran") == []
    assert asked == []
    assert (
        page.evaluate("document.querySelector('ece-chat').shadowRoot.querySelectorAll('iframe, img, script').length")
        == 0
    )


def _scrambled(rounds: int) -> Iterator[str]:
    """Return hostile markup cut up and put together anew."""
    chance = random.Random(11)
    pieces = [each[at : at + chance.randint(1, 24)] for each in HOSTILE for at in range(0, len(each), 7)]
    marks = [
        "<",
        ">",
        "'",
        '"',
        "`",
        "=",
        "/",
        "<!--",
        "-->",
        "\0",
        "\x0b",
        "</template>",
        "<svg>",
        "<p title=",
        "&lt;",
        "]]>",
    ]
    for _ in range(rounds):
        yield "".join(chance.choice(pieces if chance.random() < 0.7 else marks) for _ in range(chance.randint(1, 14)))


def test_the_policy_blesses_nothing_but_what_launchers_are_made_of(at: StubServers, page: Page) -> None:
    page.add_init_script(WATCH)
    page.goto(at.page(at.tag()))
    expect(page.locator(BUTTON)).to_be_visible()
    assert page.evaluate(f"(all) => all.flatMap({FOREIGN})", [*HOSTILE, *map(_root, HOSTILE), *_scrambled(3_000)]) == []


@pytest.mark.parametrize("opens", ["<!--", "<script>", "<style>"])
def test_what_is_left_open_reaches_to_the_end_and_is_looked_at_once(at: StubServers, page: Page, opens: str) -> None:
    page.add_init_script(WATCH)
    page.goto(at.page(at.tag()))
    expect(page.locator(BUTTON)).to_be_visible()
    assert page.evaluate("clean(`<p>a</p>${opens} b <p>c</p>`)".replace("${opens}", opens)) == "<p>a</p>"
    # 100,000 characters, from each opening to the end, are a second and more
    took = """(opens) => Math.min(...[1, 2, 3, 4, 5].map(() => {
      const begun = performance.now();
      clean(opens.repeat(25_000));
      return performance.now() - begun;
    }))"""  # the least of some: on a busy machine the browser is not always at work
    assert page.evaluate(took, opens) < 500


@pytest.mark.parametrize(
    "css",
    [
        "p { background: url(https://evil.test/a.png) }",
        "p { background: URL( 'https://evil.test/a.png' ) }",
        'p { background: image-set("https://evil.test/a.png" 1x) }',
        'p { background: -webkit-image-set("https://evil.test/a.png" 1x) }',
        "p { background: \\75 rl(https://evil.test/a.png) }",
        "p { background: \\000075rl(https://evil.test/a.png) }",
        "p { background: u\\rl(https://evil.test/a.png) }",
        "p { background: \\75&#13;&#10;rl(https://evil.test/a.png) }",
        "p { background: \\75&#12;\\72\\6c(https://evil.test/a.png) }",
        "@import 'https://evil.test/a.css';",
        "@font-face { font-family: x; src: url(https://evil.test/a.woff) } p { font-family: x }",
        ":host { --a: url(https://evil.test/a.png) } p { background: var(--a) }",
        "p { list-style: url(https://evil.test/a.png); display: list-item }",
    ],
)
def test_no_style_sheet_loads(at: StubServers, page: Page, css: str) -> None:
    asked = _answer_with(page, _root("<p class='x'>Words</p>", css))
    page.goto(at.page(at.tag()))
    expect(page.locator(BUTTON)).to_be_visible()
    page.locator("ece-chat p").hover()
    page.wait_for_load_state("networkidle")
    assert asked == []


def test_what_does_not_load_is_left_in_a_style_sheet(at: StubServers, page: Page) -> None:
    _answer_with(page, _root("<p class='x'>Words</p>", ".x::before { content: '\\2713'; } .x > b, .x { color: red; }"))
    page.goto(at.page(at.tag()))
    expect(page.locator("ece-chat p")).to_have_css("color", "rgb(255, 0, 0)")


def test_links_that_wait_for_a_click_stay(at: StubServers, page: Page) -> None:
    ways = ["tel:+49301234567", "mailto:office@example.com", "https://www.example.com/help?a=1&amp;b=2"]
    _answer_with(page, _root("".join(f'<a href="{way}" target="_blank" rel="noopener">x</a>' for way in ways)))
    page.goto(at.page(at.tag()))
    expect(page.locator("ece-chat a")).to_have_count(3)
    assert page.locator("ece-chat a").last.get_attribute("href") == "https://www.example.com/help?a=1&b=2"


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Pages:
    folder: Path = tmp_path_factory.mktemp("themes")
    known = demo_in(folder)
    return Pages(known, Themes.load(folder), Texts.load())


def test_the_shipped_launchers_lose_nothing(at: StubServers, page: Page, pages: Pages) -> None:
    now = datetime(2026, 11, 24, 8, tzinfo=UTC)
    entry_point = pages.settings.entry_points["sales"]
    shipped = [
        pages.launcher(
            sample(state, entry_point="sales", settings=entry_point, now=now), theme=theme, language=language
        )
        for state in ("available", "agent_not_available")
        for theme in ("default", "bold", "civic", "text")
        for language in ("en", "ar", "ja")
    ]
    page.add_init_script(WATCH)
    page.goto(at.page(at.tag()))
    expect(page.locator(BUTTON)).to_be_visible()
    compare = """(all) => all.filter((html) => {
      const policy = trustedTypes.createPolicy('compare' + Math.random(), { createHTML: (text) => text });
      const [before, after] = [html, window.clean(html)].map((each) => {
        const root = new DOMParser().parseFromString(policy.createHTML(each), 'text/html').body;
        for (const link of root.querySelector('.ece-chat-pane')?.content.querySelectorAll('a[href=""]') ?? [])
          link.removeAttribute('href');  // the script sets it
        return root;
      });
      const same = (one, other) => one.isEqualNode(other);
      const insides = (root) => [...root.querySelectorAll('template')].map((each) => each.content);
      return !same(before, after) || insides(before).some((each, at) => !same(each, insides(after)[at]));
    })"""
    assert page.evaluate(compare, shipped) == []
