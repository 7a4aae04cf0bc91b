"""The survey's addresses as an application of their own: real tokens, real pages, an outbox in memory."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from io import StringIO
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware

from widget import settings, telemetry
from widget.application.surveys import SurveyLinks, Surveys
from widget.assets import asset_folder
from widget.domain.errors import OutboxUnavailable
from widget.domain.outbox import OutboxMessage
from widget.ece.wire import survey_xml
from widget.texts import Texts
from widget.themes import Themes
from widget.tokens import Tokens
from widget.web.edge.access import Operators
from widget.web.edge.errors import CatchAll, Errors
from widget.web.edge.headers import EdgeHeaders, SecurityHeaders
from widget.web.edge.limits import BodyLimit
from widget.web.edge.origins import origin_of
from widget.web.pages.pages import Pages
from widget.web.surveys.routes import SurveyAddresses

NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
SID = "10042_kQ9-zzEXAMPLE"
EVERY_KIND: dict[str, Any] = {
    "title": {"en": "How did we do?", "de": "Wie waren wir?", "ar": "كيف كان أداؤنا؟"},
    "questions": [
        {
            "id": "helpful",
            "kind": "rating",
            "required": True,
            "text": {
                "en": "How helpful was the agent?",
                "de": "Wie hilfreich war der Agent?",
                "ar": "ما مدى فائدة الموظف؟",
            },
        },
        {
            "id": "comment",
            "kind": "text",
            "max_length": 800,
            "show_if": {"helpful": ["1", "2", "3"]},
            "text": {
                "en": "What could we do better?",
                "de": "Was können wir besser machen?",
                "ar": "ماذا يمكننا أن نحسّن؟",
            },
        },
        {
            "id": "recommend",
            "kind": "nps",
            "text": {"en": "How likely are you to recommend us?", "de": "Wie wahrscheinlich empfehlen Sie uns?"},
        },
        {
            "id": "topic",
            "kind": "choice",
            "options": [
                {"value": "bill", "text": {"en": "My bill", "de": "Meine Rechnung"}},
                {"value": "order", "text": {"en": "An order", "de": "Eine Bestellung"}},
            ],
            "other": True,
            "text": {"en": "What was it about?", "de": "Worum ging es?"},
        },
        {
            "id": "liked",
            "kind": "choices",
            "options": ["The speed", "The tone", "The answer"],
            "other": {"en": "Something else", "de": "Etwas anderes"},
            "text": {"en": "What did you like?", "de": "Was hat Ihnen gefallen?"},
        },
        {
            "id": "solved",
            "kind": "yes_no",
            "required": True,
            "text": {"en": "Is your question answered?", "de": "Ist Ihre Frage beantwortet?"},
        },
    ],
}


class MemoryOutbox:
    """Keeps messages and tickets as the store does; `down` makes every call fail as a lost database would."""

    def __init__(self) -> None:
        self.messages: dict[str, OutboxMessage] = {}
        self.tickets: dict[str, str] = {}
        self.down = False

    async def enqueue(self, message: OutboxMessage, follower: OutboxMessage | None = None) -> bool:
        self._up()
        new = self.messages.setdefault(message.key, message) is message
        if new and follower is not None:
            self.messages[follower.key] = follower
        return new

    async def bind_ticket(self, ticket_id: str, sid_hash: str, expires: datetime) -> str:
        self._up()
        return self.tickets.setdefault(ticket_id, sid_hash)

    async def hash_key(self) -> bytes:
        self._up()
        return b"k" * 32

    def _up(self) -> None:
        if self.down:
            raise OutboxUnavailable("switched off")


THEMES, TEXTS = Themes.load(), Texts.load()


class SurveyStage:
    """Everything a test of the survey's addresses touches."""

    def __init__(self, configured: settings.Settings) -> None:
        self.now = NOW
        self.keys = [key.get_secret_value() for key in configured.security.secret_keys]
        self.outbox = MemoryOutbox()
        self.counted: list[str] = []
        self.tokens = Tokens(self.keys, lambda: self.now)
        self.links = SurveyLinks(
            {name: survey.survey(name) for name, survey in configured.surveys.items()},
            configured.entry_points,
            tokens=self.tokens,
            now=lambda: self.now,
            lifetime=configured.security.survey_lifetime,
        )
        self.surveys = Surveys(self.links, outbox=self.outbox, rehearse=partial(survey_xml, namespace=True))
        telemetry.configure("error", stream=StringIO())
        self.pages = Pages(configured, THEMES, TEXTS)
        self.addresses = SurveyAddresses(
            self.surveys,
            self.pages,
            public_url=configured.server.public_url,
            chat_origins={name: origin_of(each.chat_url) for name, each in configured.entry_points.items()},
            require_operator=Operators(["operator-token-for-tests"]).require,
            script=(asset_folder("static") / "survey.js").read_bytes(),
            count_survey=self.count,
            count_ticket=self.count,
        )

        def error_page(
            *, status: int, code: str, request_id: str, entry_point: str, language: str | None, posted: bool
        ) -> str:
            return self.pages.error(
                status=status,
                code=code,
                request_id=request_id,
                theme="default",
                language=TEXTS.negotiate(language),
                posted=posted,
            )

        errors = Errors(error_page)
        self.app = Starlette(
            routes=[*self.addresses.routes(), self.pages.sheets.route()],
            middleware=[
                Middleware(SecurityHeaders, edge=EdgeHeaders(configured.server)),
                Middleware(CatchAll, errors=errors),
                Middleware(BodyLimit, errors=errors),
            ],
            exception_handlers=errors.handlers(),
        )

    def count(self, entry_point: str, outcome: str) -> None:
        self.counted.append(outcome)

    def path(self, sid: str = SID, *, survey: str | None = None) -> str:
        """Return the path of a fresh survey link."""
        return f"/survey/{self.links.link(sid, 'sales', survey).token}"

    def ticket(self, *, locale: str = "", lifetime: timedelta = timedelta(hours=24)) -> str:
        return self.tokens.sign_ticket("sales", expires=self.now + lifetime, locale=locale)

    @property
    def answers(self) -> dict[str, str]:
        """The answers of the only message, by question."""
        (message,) = self.outbox.messages.values()
        return {answer.question_id: answer.answer for answer in message.answers}
