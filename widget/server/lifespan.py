"""The application's start and stop, as uvicorn does them, with the reason kept when one fails."""

from __future__ import annotations

import copy
import logging
from collections.abc import Callable

from starlette.types import Receive, Scope, Send
from uvicorn.config import Config
from uvicorn.lifespan.on import LifespanOn

from widget import telemetry
from widget.domain.errors import WidgetError


class Lifespan(LifespanOn):
    """`failure` is what the application raised. uvicorn would log it as text, with the exception's own words.

    `when_started` is called before the server accepts connections; what it raises ends the start.
    """

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.failure: Exception | None = None
        self.when_started: Callable[[], object] = lambda: None
        self._app = config.loaded_app
        self.config = copy.copy(config)
        self.config.loaded_app = self._noting_failure
        self.logger = logging.Logger("lifespan", level=logging.CRITICAL + 1)  # writes nothing

    async def startup(self) -> None:
        await super().startup()
        if not self.should_exit:
            self.when_started()

    async def _noting_failure(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._app(scope, receive, send)
        except Exception as error:
            self.failure = error
            if not isinstance(error, WidgetError):  # whose text the command prints
                telemetry.logger().error("application_failed", exc_info=error)
            raise
