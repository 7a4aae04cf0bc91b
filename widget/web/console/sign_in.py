"""Signing in and out of the console, and what every page of a person who is signed in is told."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import date, datetime, tzinfo
from typing import NamedTuple

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from widget import telemetry
from widget.domain.errors import OutboxUnavailable
from widget.texts import marked as _
from widget.web.console.rendering import ConsolePages, Frame, Notice
from widget.web.console.sessions import LONGEST_NAME, Person, Sessions
from widget.web.console.wording import Wording
from widget.web.edge.errors import RETRY_STORAGE_AFTER, Problem, problem_of, request_id
from widget.web.edge.language import wanted_language
from widget.web.surveys.forms import read_form

HOME = "/console/now"
EARLIEST = date(1971, 1, 1)  # every zone can tell its local time
SIGN_OUT = "/console/sign-out"
_NO_PAGES = (SIGN_OUT, "/console/results.csv")  # a form, and a file
LONGEST_FORM = 8192  # bytes, of one with no text that a person writes
FROM_ELSEWHERE = _(
    "This server takes what its own pages send, and knows them as %(origin)s. Open the console there. What you sent "
    "was not done."
)
# Title and text by the code of the fault; others have the visitors' page.
_REFUSED = {
    "stale_form": (
        _("Not done"),
        _("You signed in again after this page was opened. Open the page again, and send it from there."),
    ),
    "cross_site": (_("Not done"), FROM_ELSEWHERE),
    "not_found": (_("Nothing is here any more"), _("There is no such row in the outbox. It may have been deleted.")),
    "unknown_entry_point": (
        _("Nothing is here any more"),
        _("The settings have no entry point of this name. It may have been renamed."),
    ),
}

Fields = Mapping[str, Sequence[str]]


class Visit(NamedTuple):
    """One request of somebody who is signed in; `fields` is the form of a POST, which a page of ours sent."""

    request: Request
    person: Person
    frame: Frame
    wording: Wording
    fields: Fields

    def asked(self, name: str) -> str:
        """Return one value of the query."""
        return self.request.query_params.get(name, "")

    def asked_day(self, name: str, otherwise: date, *, latest: date) -> date:
        """Return a day of the query, within what can be shown; `otherwise` for what is none."""
        try:
            return min(max(date.fromisoformat(self.asked(name)), EARLIEST), latest)
        except ValueError:
            return otherwise

    def field(self, name: str) -> str:
        """Return one field of the form, empty where there is not exactly one."""
        values = self.fields.get(name, ())
        return values[0] if len(values) == 1 else ""


Page = Callable[[Visit], Awaitable[Response]]
Endpoint = Callable[[Request], Awaitable[Response]]


class SignIn:
    """Lets people in. `notices` says what is switched by hand, for every page; `zone` is that of pages about all."""

    def __init__(
        self,
        pages: ConsolePages,
        sessions: Sessions,
        *,
        notices: Callable[[Wording], Iterable[Notice]],
        zone: tzinfo,
        now: Callable[[], datetime],
    ) -> None:
        self.pages = pages
        self._sessions, self._notices, self._zone, self._now = sessions, notices, zone, now

    def routes(self) -> list[Route]:
        return [
            Route("/console", self.first, methods=["GET"]),
            Route("/console", self.sign_in, methods=["POST"]),
            Route(SIGN_OUT, self.form(self.sign_out, ""), methods=["POST"]),
            self.pages.script,
        ]

    def page(self, page: Page, name: str, *, to_others: str = "") -> Endpoint:
        """Return an endpoint that shows a page to people who are signed in, and the sign-in form to others."""

        async def answer(request: Request) -> Response:
            person = await self._sessions.person(request)
            if person is None:
                return self._sign_in_page(request, to_others, status=401)
            return await self._answer(page, self._visit(request, person, name))

        return answer

    def form(self, page: Page, name: str, *, longest: int = LONGEST_FORM) -> Endpoint:
        """Return an endpoint that takes a form of at most `longest` bytes which a page of ours sent for this person."""

        async def checked(visit: Visit) -> Response:
            self._sessions.require_own_page(visit.request)
            fields = await read_form(visit.request, longest=longest)
            self._sessions.require_own_form(visit.person, fields)
            return await page(visit._replace(fields=fields))

        return self.page(checked, name, to_others=_("Please sign in. What you sent was not done."))

    async def first(self, request: Request) -> Response:
        """Show the form to sign in, or go on to the first page."""
        if await self._sessions.person(request) is not None:
            return see(HOME)
        return self._sign_in_page(request)

    async def sign_in(self, request: Request) -> Response:
        """Take an operator token; a wrong one is answered late."""
        try:
            self._sessions.require_own_page(request)
        except Problem as problem:
            _note(request, problem.code)
            return self._sign_in_page(request, FROM_ELSEWHERE, status=problem.status)
        if self._sessions.would_be_dropped(request):
            _note(request, "not_over_https")
            return self._sign_in_page(
                request,
                _("Your browser would keep you signed in over https alone. Open the console at %(origin)s/console."),
                status=403,
            )
        fields = await read_form(request, longest=LONGEST_FORM)
        token, name = ("".join(fields.get(each, ())[:1]) for each in ("token", "name"))
        session = await self._sessions.sign_in(token, name)
        log = telemetry.logger()
        if session is None:
            log.warning("console_sign_in_refused", request_id=request_id(request.scope))
            return self._sign_in_page(
                request, _("This is no operator token of this server. Please try again."), status=401
            )
        log.info("console_signed_in", request_id=request_id(request.scope))
        response = see(_asked_for(request))
        self._sessions.set_cookie(response, session)
        return response

    async def sign_out(self, visit: Visit) -> Response:
        """End the session."""
        try:
            await self._sessions.sign_out(visit.person)
        except OutboxUnavailable as error:
            telemetry.logger().warning(
                "console_sign_out_not_kept", reason=str(error), request_id=request_id(visit.request.scope)
            )
        response = see("/console")
        self._sessions.delete_cookie(response)
        return response

    async def _answer(self, page: Page, visit: Visit) -> Response:
        try:
            return await page(visit)
        except OutboxUnavailable as error:
            telemetry.logger().warning(
                "console_without_database", reason=str(error), request_id=request_id(visit.request.scope)
            )
            text = (
                _("What you sent was not done, as far as is known. Look at the page before you send it again.")
                if visit.request.method == "POST"
                else _("This page needs it. What is happening now is shown without it.")
            )
            response = self._fault_page(visit, 503, _("The database is away"), text)
            response.headers["Retry-After"] = str(RETRY_STORAGE_AFTER)
            return response
        except (Problem, HTTPException) as error:
            return self._refused(visit, problem_of(error))

    def _refused(self, visit: Visit, problem: Problem) -> Response:
        """Return the page of a fault, for a person on duty. Raise the others, which have the visitors' page."""
        if problem.code not in _REFUSED:
            raise problem
        _note(visit.request, problem.code)
        again = visit.request.url.path if problem.code == "stale_form" and visit.frame.page else ""
        return self._fault_page(visit, problem.status, *_REFUSED[problem.code], again=again)

    def _fault_page(self, visit: Visit, status: int, title: str, text: str, *, again: str = "") -> Response:
        """Return the page of a fault; `again` is the address of a page to open again, empty where there is none."""
        say = visit.wording.say
        said = say(text, origin=self._sessions.origin)
        return self.pages.page("fault.html", visit.frame, status=status, title=say(title), text=said, again=again)

    def _visit(self, request: Request, person: Person, name: str) -> Visit:
        language = self._language(request)
        wording = Wording(self.pages.texts, language, self._zone, self._now())
        frame = Frame(
            language=language,
            page=name,
            who=person.who,
            form_token=self._sessions.form_token(person),
            may_sign_out=person.session is not None,
            notices=tuple(self._notices(wording)),
        )
        return Visit(request, person, frame, wording, {})

    def _sign_in_page(self, request: Request, fault: str = "", *, status: int = 200) -> Response:
        language = self._language(request)
        said = self.pages.texts.gettext(language, fault) % {"origin": self._sessions.origin} if fault else ""
        response = self.pages.page(
            "sign_in.html",
            Frame(language, "sign_in"),
            status=status,
            fault=said,
            by_token=bool(self._sessions.operators),
            longest_name=LONGEST_NAME,
        )
        if status == 401:
            # RFC 9110 wants a challenge; a browser does not ask for a Bearer token by itself, and the page does.
            response.headers["WWW-Authenticate"] = 'Bearer realm="ece-widget console"'
        return response

    def _language(self, request: Request) -> str:
        return self.pages.texts.negotiate(wanted_language(request))


def _asked_for(request: Request) -> str:
    """Return the page that showed the form to sign in, which stands where another page was asked for."""
    page = "/" + request.headers.get("referer", "").partition("://")[2].partition("/")[2]
    path = page.partition("?")[0]
    return page if path.startswith("/console/") and path not in _NO_PAGES and page.isprintable() else HOME


def _note(request: Request, fault: str) -> None:
    request.scope.setdefault("state", {})["fault"] = fault  # for the log, as `web/edge/errors.py` does


def see(address: str) -> Response:
    """Send the browser on to a page, which a reload then shows again without sending anything twice."""
    return RedirectResponse(address, 303)
