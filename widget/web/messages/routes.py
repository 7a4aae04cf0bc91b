"""`/message/{entry_point}`: the form that leaves a message, and the thanks for it.

No cookie and nothing that follows a visitor; the page needs no script. Whatever is wrong, the form comes back with all
that was typed.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from html import escape

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from widget.application.messages import Messages, MessageSubmission, Posted
from widget.domain.message import LONGEST, CheckedMessage, MessageFaultCode
from widget.web.edge.errors import RETRY_STORAGE_AFTER, Problem, unknown_entry_point
from widget.web.edge.language import wanted_language
from widget.web.edge.origins import is_from_here, origin_of
from widget.web.messages.views import FORM_FIELD, TRAP_FIELD, MessageThanksContext, form_context
from widget.web.pages.pages import Pages
from widget.web.surveys.forms import read_form
from widget.web.surveys.routes import BYTES_PER_CHARACTER, FORM_OVERHEAD

MESSAGE = "/message/{entry_point}"
FORM, THANKS = "message/form.html", "message/thanks.html"
_LONGEST_FORM = FORM_OVERHEAD + BYTES_PER_CHARACTER * sum(LONGEST.values())
_NOTHING = CheckedMessage({}, ())


class MessageAddresses:
    """The endpoints; `messages` is None where the settings have no `[messages]`."""

    def __init__(
        self,
        messages: Messages | None,
        pages: Pages,
        *,
        entry_points: Collection[str],
        public_url: str,
        count: Callable[[str, str], None],
    ) -> None:
        self.messages = messages
        self.pages = pages
        self.entry_points = entry_points
        self._own_origin = origin_of(public_url)
        self._count = count

    def routes(self) -> list[Route]:
        return [
            Route(MESSAGE, self.show, methods=["GET"]),
            Route(MESSAGE, self.submit, methods=["POST"]),
        ]

    async def show(self, request: Request) -> Response:
        """Show the empty form."""
        messages, entry_point = self._known(request)
        return self._form(
            request, messages, entry_point, MessageSubmission(_NOTHING), token=messages.fresh(entry_point)
        )

    async def submit(self, request: Request) -> Response:
        """Take the form: the thanks, or the form again with its faults and all that was typed."""
        messages, entry_point = self._known(request)
        if request.headers.get("sec-fetch-site") == "cross-site" or not is_from_here(request, self._own_origin, "null"):
            raise Problem(403, "cross_site", "A message is sent from its own page.")
        fields = await read_form(request, longest=_LONGEST_FORM)
        token = next(iter(fields.get(FORM_FIELD, ())), "")
        posted = Posted(
            fields=fields,
            form=token,
            trap="".join(fields.get(TRAP_FIELD, ())),
            network=request.scope["state"]["client"],
        )
        language, consent = self._language(request), messages.form.consent
        sentence = consent.pick(wanted_language(request) or language, language)[1] if consent else ""
        sent = await messages.leave(entry_point, posted, language=language, consent=sentence)
        self._count(entry_point, sent.outcome)
        if sent.accepted:
            return self._thanks(request, entry_point)
        stale = any(fault.code is MessageFaultCode.STALE for fault in sent.checked.faults)
        return self._form(request, messages, entry_point, sent, token=messages.fresh(entry_point) if stale else token)

    def _known(self, request: Request) -> tuple[Messages, str]:
        entry_point = request.path_params["entry_point"]
        if entry_point not in self.entry_points:
            raise unknown_entry_point()
        if self.messages is None:
            raise Problem(404)
        return self.messages, entry_point

    def _form(
        self, request: Request, messages: Messages, entry_point: str, sent: MessageSubmission, *, token: str
    ) -> Response:
        language = self._language(request)
        context = form_context(
            messages.form,
            entry_point,
            sent.checked,
            language=language,
            wanted=wanted_language(request) or language,
            storage_down=sent.storage_down,
            too_many=sent.wait is not None,
        )
        theme = self.pages.theme(request.query_params.get("theme"), entry_point=entry_point)
        page = with_token(self.pages.render(FORM, context, theme=theme, language=language), token)
        headers = {}
        if sent.storage_down or sent.wait is not None:
            headers["Retry-After"] = str(sent.wait or RETRY_STORAGE_AFTER)
        status = 503 if sent.storage_down else 429 if sent.wait is not None else 422 if sent.checked.faults else 200
        return Response(page, status, headers, media_type="text/html; charset=utf-8")

    def _thanks(self, request: Request, entry_point: str) -> Response:
        theme = self.pages.theme(request.query_params.get("theme"), entry_point=entry_point)
        page = self.pages.render(
            THANKS, MessageThanksContext(entry_point), theme=theme, language=self._language(request)
        )
        return Response(page, media_type="text/html; charset=utf-8")

    def _language(self, request: Request) -> str:
        return self.pages.language(wanted_language(request))


def with_token(page: str, token: str) -> str:
    """Return the page with the signed moment in its form. No template can forget it, which would refuse every post."""
    field = f'<input type="hidden" name="{FORM_FIELD}" value="{escape(token)}">'
    return page.replace("</form>", f"{field}</form>", 1)
