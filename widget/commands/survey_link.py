"""`ece-widget survey-link`: a signed survey address for a chat, for an operator's own systems."""

from __future__ import annotations

from pathlib import Path

import click

from widget.application.clock import Clock
from widget.commands.options import config_option, load_settings, typed_sid
from widget.domain.errors import SurveyUnknown
from widget.domain.outbox import LONGEST_SID
from widget.services.survey_links import survey_links
from widget.tokens import Tokens


@click.command("survey-link")
@click.argument("sid")
@click.option("--entry-point", required=True, metavar="NAME", help="The entry point the chat came through.")
@click.option("--survey", metavar="NAME", help="The survey; default: the entry point's own.")
@config_option
def survey_link(sid: str, entry_point: str, survey: str | None, config: Path | None) -> None:
    """Print a signed survey address for the chat SID.

    SID is ECE's session id, a secret; "-" reads it from standard input, where no process list shows it.
    """
    settings = load_settings(config)
    if sid == "-":
        sid = typed_sid(LONGEST_SID)

    now = Clock().now
    tokens = Tokens([key.get_secret_value() for key in settings.security.secret_keys], now)
    links = survey_links(settings, tokens, now)
    try:
        link = links.link(sid, entry_point, survey)
    except (SurveyUnknown, ValueError) as error:
        raise click.UsageError(str(error)) from None
    click.echo(f"{settings.server.public_url}/survey/{link.token}")
