"""The simulator's pages and the chat template's example in a real Chromium."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs

import pytest
from playwright.sync_api import Browser, Dialog, Page, expect
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from tests.chromium import chromium as started
from tests.serving import serving
from widget.demo.site import create_site
from widget.simulator import create_simulator

pytestmark = pytest.mark.browser
EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "ece-template"


@pytest.fixture(autouse=True)
def _blocked_event_loop_is_an_error() -> None:
    """Switch the watch off: Playwright keeps a loop running in the test's own thread, where waiting is no fault."""


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with started("--disable-gpu") as browser:
        yield browser


@pytest.fixture
def page(chromium: Browser, simulator: str) -> Iterator[Page]:
    """Return a page whose console errors fail the test. It is closed before the simulator that it polls stops."""
    context = chromium.new_context(locale="en-US")
    page = context.new_page()
    errors: list[str] = []
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    context.close()
    assert errors == []


class Survey:
    """In the place of the widget server: keeps the forms that arrive at `/survey/start`."""

    def __init__(self) -> None:
        self.received: list[tuple[str | None, dict[str, list[str]]]] = []
        self.app = Starlette(routes=[Route("/survey/start", self.start, methods=["POST"])])

    async def start(self, request: Request) -> Response:
        form = parse_qs((await request.body()).decode())
        self.received.append((request.headers.get("origin"), form))
        return HTMLResponse("<!DOCTYPE html><link rel='icon' href='data:,'><title>Survey</title><h1>Survey</h1>")


@pytest.fixture
def survey() -> Survey:
    return Survey()


@pytest.fixture
def widget(survey: Survey) -> Iterator[str]:
    with serving(survey.app) as origin:
        yield origin


@pytest.fixture
def simulator(widget: str) -> Iterator[str]:
    with serving(create_simulator(widget_url=widget, seed=3)) as origin:
        yield origin


CHAT = "/system/templates/chat/aqua/index.html?subActivity=Chat&entryPointId=1002&locale=en-US"


def test_a_chat_ends_in_the_survey(page: Page, simulator: str, survey: Survey) -> None:
    page.goto(f"{simulator}{CHAT}&ticket=signed.ticket-1")
    expect(page.get_by_text("What can I do for you?")).to_be_visible()
    page.get_by_label("Your message").fill("Does the Ibex take a child seat?")
    page.keyboard.press("Enter")
    expect(page.get_by_text("I am looking into that")).to_be_visible()
    page.get_by_role("button", name="End chat").click()
    expect(page.get_by_role("heading", name="Survey")).to_be_visible()
    [(origin, form)] = survey.received
    assert origin == simulator
    assert form["ticket"] == ["signed.ticket-1"]
    assert "_" in form["sid"][0]
    assert form["sid"][0] not in page.url


def test_a_chat_without_a_ticket_ends_without_a_survey(page: Page, simulator: str, survey: Survey) -> None:
    page.goto(f"{simulator}{CHAT}")
    expect(page.get_by_text("What can I do for you?")).to_be_visible()
    page.get_by_role("button", name="End chat").click()
    expect(page.get_by_text("no survey")).to_be_visible()
    assert survey.received == []


def test_leaving_a_running_chat_asks_first_and_an_ended_one_does_not(page: Page, simulator: str) -> None:
    asked: list[str] = []

    def agree(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.accept()

    page.on("dialog", agree)
    page.goto(f"{simulator}{CHAT}")
    expect(page.get_by_text("What can I do for you?")).to_be_visible()
    page.get_by_label("Your message").fill("x")  # a browser asks only where something was done
    page.goto(f"{simulator}{CHAT}")
    assert asked == ["beforeunload"]
    expect(page.get_by_text("What can I do for you?")).to_be_visible()
    page.get_by_role("button", name="End chat").click()
    expect(page.get_by_text("no survey")).to_be_visible()
    page.goto("about:blank")
    assert asked == ["beforeunload"]


def test_the_control_page_takes_agents_away_and_brings_them_back(page: Page, simulator: str) -> None:
    page.goto(simulator)
    card = page.get_by_role("article", name="Support 1002")
    card.get_by_role("button", name="Take all agents away").click()
    expect(card.get_by_text("agent not available")).to_be_visible()
    expect(card.get_by_role("button", name="Bring agents back")).to_be_focused()
    page.keyboard.press("Enter")
    expect(card.get_by_text("open", exact=True)).to_be_visible()


def test_the_control_page_shows_what_arrives(page: Page, simulator: str) -> None:
    page.goto(simulator)
    body = '<egainSurvey sid="4_x"><survey><question>Nice?</question><answer>Yes &lt;3</answer></survey></egainSurvey>'
    url = f"{simulator}/system/egain/chat/endpoint/survey"
    page.request.post(url, data=body, headers={"content-type": "text/xml"})
    expect(page.get_by_text("Yes <3", exact=True)).to_be_visible()
    page.get_by_role("combobox", name="Fault", exact=True).select_option("500")
    page.get_by_role("button", name="Switch on").click()
    expect(page.get_by_text("all: 500")).to_be_visible()


def test_the_single_page_site_swaps_its_body(page: Page) -> None:
    scripts = Route("/widget.js", lambda _: PlainTextResponse("", media_type="text/javascript"))
    with (
        socket.create_server(("127.0.0.1", 0)) as mail,
        serving(Starlette(routes=[scripts])) as widget,
        serving(create_site(widget, simulator_url=widget, mail=mail)) as site,
    ):
        page.goto(f"{site}/app")
        page.evaluate("window.first = document.body")
        page.get_by_role("link", name="Next step").click()
        expect(page.get_by_role("heading", name="Colour")).to_be_focused()
        assert page.evaluate("window.first !== document.body")
        page.go_back()
        expect(page.get_by_role("heading", name="Frame")).to_be_visible()


TEMPLATE = """<!DOCTYPE html><html><head><link rel="icon" href="data:,"><title>A chat template</title>{first}
<script>
const say = async (body) => {{
  const request = new XMLHttpRequest();
  request.open("POST", "/http-bind");
  await new Promise((done) => {{ request.onloadend = done; request.send(body); }});
  return request.responseXML ?? new DOMParser().parseFromString(request.responseText, "text/xml");
}};
var App = {{ connection: {{}}, session: {{ showSurvey() {{ document.title = "the template's own survey"; }} }} }};
window.onbeforeunload = () => "Leave?";
const begin = async () => {{
  App.connection.sid = (await say("<body rid='1'/>")).documentElement.getAttribute("sid");
}};
const end = async () => {{
  await say("<body type='terminate' sid='" + App.connection.sid + "'/>");
  App.session.showSurvey();
}};
</script>{last}</head>
<body><button onclick="begin()">Begin</button><button onclick="end()">End</button></body></html>"""
SID = "88123_f0e1d2&amp;c3"


def template(*, first: str, last: str) -> Starlette:
    async def page(_: Request) -> Response:
        return HTMLResponse(TEMPLATE.format(first=first, last=last))

    async def bosh(_: Request) -> Response:
        xml = f"<body xmlns='http://jabber.org/protocol/httpbind' sid='{SID}'/>"
        return Response(xml, media_type="text/xml; charset=utf-8")

    return Starlette(
        routes=[
            Route("/templates/chat/x/index.html", page),
            Route("/http-bind", bosh, methods=["POST"]),
            Mount("/files", StaticFiles(directory=EXAMPLE)),
        ]
    )


def tags(way: str) -> tuple[str, str]:
    """Return what the guide writes before the template's own scripts and after them, for one of its two ways."""
    blocks = re.findall(r"```html\n<head>\n(.*?)</head>\n```", (EXAMPLE / "README.md").read_text(), re.DOTALL)
    (block,) = [each for each in blocks if way in each]
    first, _, last = block.replace('src="', 'src="/files/').partition("… the template's own scripts …")
    return first, last


@pytest.mark.parametrize("way", ["v11-showSurvey.js", "aqua-watch.js"])
@pytest.mark.parametrize("ticket", ["a.signed+ticket", ""])
def test_the_example_for_chat_templates_hands_the_session_over(
    page: Page, widget: str, survey: Survey, way: str, ticket: str
) -> None:
    first, last = tags(way)
    address = f"<script>ECE_WIDGET_SURVEY = '{widget}/survey/start'</script>"
    with serving(template(first=first + address, last=last)) as ece:
        page.goto(f"{ece}/templates/chat/x/index.html?entryPointId=1001&ticket={ticket.replace('+', '%2B')}")
        page.get_by_role("button", name="Begin").click()
        page.wait_for_function("App.connection.sid")
        page.get_by_role("button", name="End").click()
        if ticket:
            expect(page.get_by_role("heading", name="Survey")).to_be_visible()
            assert survey.received == [(ece, {"ticket": [ticket], "sid": ["88123_f0e1d2&c3"]})]
        else:
            page.wait_for_function('document.title === "the template\'s own survey"')
            assert survey.received == []
