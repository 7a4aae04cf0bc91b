"""The survey's addresses: start it from a launch ticket, show it, take it, and sign links for an operator's systems.

A survey link is a bearer address: whoever has it may answer, once. So there is no cookie, which another site
could have the browser send; answers are stored only when a post carries the signed link, and no page here is cached or
sends a referrer.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from widget.application.surveys import OpenSurvey, Surveys, without_abandoned
from widget.domain.answers import FieldFault, Fields, check
from widget.domain.errors import OutboxUnavailable, SurveyUnknown, TokenExpired, WidgetError
from widget.domain.language import language_tag
from widget.domain.outbox import LONGEST_SID, valid_sid
from widget.domain.survey import Survey
from widget.web.edge.errors import RETRY_STORAGE_AFTER, Problem
from widget.web.edge.headers import nonce
from widget.web.edge.language import wanted_language
from widget.web.edge.origins import is_from_here, origin_of
from widget.web.pages.pages import Pages
from widget.web.pages.static_files import script_route
from widget.web.public.caching import rfc3339
from widget.web.surveys.forms import read_form, read_object
from widget.web.surveys.views import GO_FIELD, PAGE_FIELD, SurveyEndContext, SurveyView, asked

# A character typed takes up to twelve bytes in a form (four of UTF-8, each as %XX); the rest is names and choices.
FORM_OVERHEAD = 64 * 1024
BYTES_PER_CHARACTER = 12
LONGEST_START = 8 * 1024
LONGEST_LINK_REQUEST = 4 * 1024
START = "/survey/start"
MOST_END_PAGES = 1000  # kept rendered: of entry points, surveys, themes and languages
_NONCE = "the-nonce-of-each-answer"  # in a kept page
# "." ends no token, and ")", ">", quotes and the like stand in none (base64url).
_BEHIND_A_TOKEN = re.compile(r"[^A-Za-z0-9_-]+\Z")


class SurveyAddresses:
    """The endpoints, for one set of settings: a reload makes them anew.

    `require_operator` lets operators in, and raises Problem for everybody else.
    """

    def __init__(
        self,
        surveys: Surveys,
        pages: Pages,
        *,
        public_url: str,
        chat_origins: Mapping[str, str],
        require_operator: Callable[[Request], None],
        script: bytes,
        count_survey: Callable[[str, str], None] = lambda entry_point, outcome: None,
        count_begun: Callable[[str, str, str], None] = lambda survey, entry_point, language: None,
        count_ticket: Callable[[str, str], None] = lambda entry_point, outcome: None,
    ) -> None:
        self.surveys = surveys
        self.pages = pages
        self.public_url = public_url
        self._own_origin = origin_of(public_url)
        self.chat_origins = chat_origins
        self.require_operator = require_operator
        # The thanks are the same for everybody but for the nonce, and rendering them is a twentieth of a post's time.
        self._render_end_page = lru_cache(MOST_END_PAGES)(pages.render)
        self._count_survey = count_survey  # accepted, repeated, faulty, refused
        self._count_begun = count_begun
        self._count_ticket = count_ticket  # taken_up, or the code for which it was refused
        self._script = script_route("survey", script)
        self.script_url = self._script.path

    def routes(self) -> list[Route]:
        return [
            Route(START, self.start, methods=["POST"]),
            Route("/survey/{token}", self.show, methods=["GET"]),
            Route("/survey/{token}", self.submit, methods=["POST"]),
            Route("/v1/survey-links", self.sign_link, methods=["POST"]),
            self._script,
        ]

    async def start(self, request: Request) -> Response:
        """Take ticket and sid from the end of a chat and send the browser to its survey."""
        fields = await read_form(request, longest=LONGEST_START)
        ticket, sid = (_only(fields, name) for name in ("ticket", "sid"))
        entry_point = ""
        try:
            entry_point = self.surveys.ticket_entry_point(ticket)
            self._require_chat_origin(request, entry_point)
            if not valid_sid(sid):
                raise Problem(422, "invalid_sid", "The session id is missing, too long, or not printable.")
            link = await self.surveys.start(ticket, sid)
        except (Problem, WidgetError) as refused:
            self._count_ticket(entry_point, refused.code)
            if isinstance(refused, TokenExpired):
                return self._expired(request)
            raise
        self._count_ticket(entry_point, "taken_up")
        locale = f"?locale={link.locale}" if language_tag(link.locale) else ""
        return Response(status_code=303, headers={"Location": f"/survey/{link.token}{locale}"})

    async def show(self, request: Request) -> Response:
        """Show the first page of the form."""
        if request.url.path == START:
            raise HTTPException(405)
        try:
            opened = self.surveys.links.open(_token(request))
        except TokenExpired:
            return self._expired(request)
        if request.method == "GET":
            self._count_begun(opened.survey.name, opened.grant.entry_point, self._language(request)[1])
        return self._form(request, opened, {}, page=opened.survey.pages[0])

    async def submit(self, request: Request) -> Response:
        """Take one page of the form, or all of it: the next page, the form with its faults, or the thanks."""
        if request.headers.get("sec-fetch-site") == "cross-site" or not is_from_here(request, self._own_origin, "null"):
            raise Problem(403, "cross_site", "A survey is sent from its own page.")
        try:
            opened = self.surveys.links.open(_token(request))
        except TokenExpired:
            return self._expired(request)
        survey = opened.survey
        longest = FORM_OVERHEAD + BYTES_PER_CHARACTER * survey.longest_text
        fields: Fields = await read_form(request, longest=longest)
        page, go = _page(survey, fields), _only(fields, GO_FIELD)
        fields = {name: values for name, values in fields.items() if name not in (PAGE_FIELD, GO_FIELD)}
        if go == "stay":
            return self._form(request, opened, fields, page=page or survey.pages[-1])
        if page is not None:
            fields = without_abandoned(survey, fields, page)
            if go == "back":
                return self._form(request, opened, fields, page=_before(survey, fields, page))
            checked = check(survey, fields, up_to_page=page)
            if checked.faults:
                return self._faulty(request, opened, fields, checked.faults, page=page)
            later = _after(survey, fields, page)
            if later is not None:
                return self._form(request, opened, fields, page=later)
        return await self._take(request, opened, fields, page=page or survey.pages[-1])

    async def sign_link(self, request: Request) -> Response:
        """Sign a survey link for an operator's own system."""
        self.require_operator(request)
        wanted = await read_object(request, longest=LONGEST_LINK_REQUEST)
        sid, entry_point, survey = (wanted.get(name) for name in ("sid", "entryPoint", "survey"))
        if not (
            wanted.keys() <= {"sid", "entryPoint", "survey"}
            and isinstance(sid, str)
            and valid_sid(sid)
            and isinstance(entry_point, str)
            and (survey is None or isinstance(survey, str))
        ):
            allowed = f'"sid" (1 to {LONGEST_SID} printable characters), "entryPoint", "survey".'
            raise Problem(422, "invalid_fields", allowed)
        try:
            link = self.surveys.links.link(sid, entry_point, survey)
        except SurveyUnknown:
            raise Problem(404, "unknown_survey", "No such entry point or survey is configured.") from None
        url = f"{self.public_url}/survey/{link.token}"
        answer = {"url": url, "expiresAt": rfc3339(link.expires)}
        return JSONResponse(answer, 201, {"Location": url})

    async def _take(self, request: Request, opened: OpenSurvey, fields: Fields, *, page: int) -> Response:
        language = self._language(request)[1]
        try:
            submission = await self.surveys.submit(opened, fields, language=language)
        except OutboxUnavailable:
            self._count_survey(opened.grant.entry_point, "refused")
            response = self._form(request, opened, fields, page=page, status=503, storage_down=True)
            response.headers["Retry-After"] = str(RETRY_STORAGE_AFTER)
            return response
        if not submission.accepted:
            return self._faulty(request, opened, fields, submission.checked.faults, page=page)
        self._count_survey(opened.grant.entry_point, "accepted" if submission.new else "repeated")
        return self._end_page(request, "survey/thanks.html", 200, opened, language)

    def _faulty(
        self, request: Request, opened: OpenSurvey, fields: Fields, faults: Sequence[FieldFault], *, page: int
    ) -> Response:
        """Show the first page that has a fault; what was posted stands in it."""
        self._count_survey(opened.grant.entry_point, "faulty")
        pages = {question.id: question.page for question in opened.survey.questions}
        page = min((pages[fault.question] for fault in faults if fault.question), default=page)
        return self._form(request, opened, fields, page=page, status=422, faults=faults)

    def _form(
        self,
        request: Request,
        opened: OpenSurvey,
        fields: Fields,
        *,
        page: int,
        status: int = 200,
        faults: Sequence[FieldFault] = (),
        storage_down: bool = False,
    ) -> Response:
        wanted, language = self._language(request)
        view = SurveyView(
            opened.survey,
            opened.grant.entry_point,
            wanted=wanted,
            language=language,
            script_url=self.script_url,
            nonce=nonce(),
        )
        theme = self.pages.theme(request.query_params.get("theme"), entry_point=opened.grant.entry_point)
        context = view.form(fields, page=page, faults=faults, storage_down=storage_down)
        return self._page(self.pages.render("survey/form.html", context, theme=theme, language=language), status)

    def _end_page(
        self, request: Request, template: str, status: int, opened: OpenSurvey | None, language: str
    ) -> Response:
        survey, entry_point = (opened.survey.name, opened.grant.entry_point) if opened else ("", "")
        context = SurveyEndContext(survey, entry_point, self.script_url, _NONCE)
        theme = self.pages.theme(request.query_params.get("theme"), entry_point=entry_point)
        html = self._render_end_page(template, context, theme=theme, language=language)
        return self._page(html.replace(_NONCE, nonce()), status)

    def _expired(self, request: Request) -> Response:
        return self._end_page(request, "survey/expired.html", 410, None, self._language(request)[1])

    def _page(self, html: str, status: int) -> Response:
        return Response(html, status, media_type="text/html; charset=utf-8")

    def _language(self, request: Request) -> tuple[str, str]:
        """Return what the reader asked for, and the nearest to it that the pages have."""
        wanted = wanted_language(request)
        language = self.pages.language(wanted)
        return wanted or language, language

    def _require_chat_origin(self, request: Request, entry_point: str) -> None:
        """Refuse a page that is not ECE's: a browser names the sender's origin, other clients name none.

        A page that sends no referrer, or that a sandbox holds, has the origin "null" (Fetch, section 3.2).
        """
        allowed = (self.chat_origins.get(entry_point), "null")
        if not all(origin.lower() in allowed for origin in request.headers.getlist("origin")):
            raise Problem(403, "wrong_origin", "A survey is started from the chat's own page.")


def _token(request: Request) -> str:
    """Return the token of a survey's address, without what a mail program took into the link behind its end."""
    return _BEHIND_A_TOKEN.sub("", request.path_params["token"])


def _only(fields: Fields, name: str) -> str:
    values = fields.get(name, ())
    return values[0] if len(values) == 1 else ""


def _page(survey: Survey, fields: Fields) -> int | None:
    """Return the page that was posted; None for a whole form at once, as from a survey of one page or a program."""
    text = _only(fields, PAGE_FIELD)
    return next((page for page in survey.pages if str(page) == text), None)


def _pages_with_questions(survey: Survey, fields: Fields) -> list[int]:
    checked = check(survey, fields)
    return sorted({question.page for question in survey.questions if asked(survey, question, checked)})


def _after(survey: Survey, fields: Fields, page: int) -> int | None:
    return next((each for each in _pages_with_questions(survey, fields) if each > page), None)


def _before(survey: Survey, fields: Fields, page: int) -> int:
    return next((each for each in reversed(_pages_with_questions(survey, fields)) if each < page), page)
