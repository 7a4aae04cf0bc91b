"""The command `ece-widget`. Each command lives in `widget/commands/` and is imported only when it is called.

Exit codes: 0 done, 1 what was asked for failed, 2 wrong usage or settings.
"""

from __future__ import annotations

import pkgutil
import sys
from typing import Any

import click

from widget import __version__
from widget.commands import streams
from widget.server import memory, signals

# name → module:attribute, in the order of the contract
COMMANDS = {
    "serve": "widget.commands.serve:serve",
    "deliver": "widget.commands.deliver:deliver",
    "demo": "widget.commands.demo:demo",
    "simulate": "widget.commands.simulate:simulate",
    "init": "widget.commands.init:init",
    "check": "widget.commands.check:check",
    "snippet": "widget.commands.snippet:snippet",
    "survey-link": "widget.commands.survey_link:survey_link",
    "surveys": "widget.commands.surveys:surveys",
    "settings": "widget.commands.settings:settings",
    "status": "widget.commands.status:status",
    "report": "widget.commands.report:report",
    "theme": "widget.commands.theme:theme",
}
# The ones that run until a signal, and must not be ended by a SIGHUP that comes before they are ready for it.
# What they import makes some 200,000 objects and next to no garbage: looking for it takes a tenth of the start.
RUN_UNTIL_SIGNALLED = frozenset({"serve", "deliver"})


class Commands(click.Group):
    """A group that imports a command when it is called, so that `--help` and `snippet` start at once.

    What the system refuses, as a full disk does, and no command has told, ends here as one sentence.
    """

    def main(self, *arguments: Any, **more: Any) -> Any:
        streams.prepare()
        try:
            return super().main(*arguments, **more)
        except OSError as error:
            click.echo(streams.in_words(error), err=True)
            sys.exit(1)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command = pkgutil.resolve_name(COMMANDS[cmd_name])
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] in RUN_UNTIL_SIGNALLED:
            ctx.with_resource(signals.from_the_start())  # importing the command takes most of its start
            ctx.with_resource(memory.no_collection())
        return super().resolve_command(ctx, args)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="ece-widget")
def main() -> None:
    """A chat button, the wait before it and the survey after it, for Cisco Enterprise Chat and Email."""
