"""The survey's addresses on a real socket, for a browser."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import uvicorn

from tests.survey_app import SID, SurveyStage
from widget import settings


@dataclass
class Site:
    """The running survey server."""

    stage: SurveyStage
    origin: str

    def url(self, sid: str = SID, *, survey: str | None = None) -> str:
        return self.origin + self.stage.path(sid, survey=survey)


@contextmanager
def serve_surveys(surveys: dict[str, Any]) -> Iterator[Site]:
    """Serve `surveys`, the first of them after a chat with `sales`."""
    table = {
        "server": {"public_url": "http://127.0.0.1", "allowed_origins": ["http://site.test"]},
        "security": {"secret_keys": ["a-secret-for-tests-that-is-long-enough"]},
        "ece": {"base_url": "https://ece.example.com/system"},
        "entry_points": {
            "sales": {"id": 1001, "survey": next(iter(surveys)), "chat_url": "https://ece.example.com/?t={ticket}"}
        },
        "surveys": surveys,
    }
    stage = SurveyStage(settings.parse(table))
    server = uvicorn.Server(uvicorn.Config(stage.app, port=0, log_config=None, lifespan="off", ws="none"))
    listening = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    port = listening.getsockname()[1]
    yield Site(stage, f"http://127.0.0.1:{port}")
    server.should_exit = True
    thread.join(20)
    listening.close()
