"""Let outside judges look at the product, and print one table: `python -m tests.audit [observatory] [redbot] …`."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from tests.audit import access, description, headers, lighthouse, manifests, markup, protocol, source, xml_suite
from tests.audit.product import RunningProduct, running_product
from tests.audit.tools import ToolMissing
from tests.audit.verdict import Verdict

JUDGES: dict[str, Callable[[RunningProduct], Iterator[Verdict]]] = {
    "observatory": headers.observatory,
    "csp": headers.policies,
    "httplint": protocol.httplint,
    "redbot": protocol.redbot,
    "schemathesis": description.schemathesis,
    "vnu": markup.vnu,
    "html-validate": markup.html_validate,
    "axe": access.axe,
    "xml": xml_suite.judge,
    "bandit": source.bandit,
    "ruff": source.ruff,
    "kubernetes": manifests.kubernetes,
    "lighthouse": lighthouse.judge,
}
PUBLIC = "https://localhost"


def main(names: list[str]) -> int:
    """Ask the named judges, or all; 1 when one found something or could not be asked."""
    if unknown := set(names) - set(JUDGES):
        print(f"No such judge: {', '.join(sorted(unknown))}. There are: {', '.join(JUDGES)}")
        return 2
    console = Console()
    verdicts: list[Verdict] = []
    with (
        tempfile.TemporaryDirectory() as folder,
        console.status("starting …") as status,
        running_product(Path(folder), origin=PUBLIC) as running,
    ):
        for name in names or list(JUDGES):
            status.update(f"{name} is looking …")
            verdicts += _asked(name, running)
    show(verdicts, console)
    return 0 if all(verdict.ok for verdict in verdicts) else 1


def _asked(name: str, running: RunningProduct) -> Iterator[Verdict]:
    try:
        yield from JUDGES[name](running)
    except (ToolMissing, OSError, RuntimeError) as missing:
        yield Verdict(name, "", "could not be asked", (str(missing),))


def show(verdicts: list[Verdict], console: Console) -> None:
    """Print a row for each verdict, with its findings and what is excused below it."""
    table = Table("judge", "page or address", "said", "")
    for verdict in verdicts:
        table.add_row(verdict.judge, escape(verdict.subject), escape(verdict.said), "ok" if verdict.ok else "NOT OK")
    console.print(table)
    for verdict in verdicts:
        for finding in dict.fromkeys(verdict.findings):
            console.print(f"✗ {verdict.judge}, {escape(verdict.subject)}: {escape(finding)}", soft_wrap=True)
    for each in dict.fromkeys(f"{verdict.judge}: {each}" for verdict in verdicts for each in verdict.excused):
        console.print(f"excused, {escape(each)}", soft_wrap=True)
    failed = sum(not verdict.ok for verdict in verdicts)
    console.print(f"{len(verdicts)} verdicts, {failed} not ok")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
