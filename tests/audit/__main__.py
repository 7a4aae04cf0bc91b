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
from tests.audit.result import Result
from tests.audit.tools import ToolMissing

JUDGES: dict[str, Callable[[RunningProduct], Iterator[Result]]] = {
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
    results: list[Result] = []
    with (
        tempfile.TemporaryDirectory() as folder,
        console.status("starting …") as status,
        running_product(Path(folder), origin=PUBLIC) as running,
    ):
        for name in names or list(JUDGES):
            status.update(f"{name} is looking …")
            results += _asked(name, running)
    show(results, console)
    return 0 if all(result.ok for result in results) else 1


def _asked(name: str, running: RunningProduct) -> Iterator[Result]:
    try:
        yield from JUDGES[name](running)
    except (ToolMissing, OSError, RuntimeError) as missing:
        yield Result(name, "", "could not be asked", (str(missing),))


def show(results: list[Result], console: Console) -> None:
    """Print a row for each result, with its findings and what is excused below it."""
    table = Table("judge", "page or address", "said", "")
    for result in results:
        table.add_row(result.judge, escape(result.subject), escape(result.said), "ok" if result.ok else "NOT OK")
    console.print(table)
    for result in results:
        for finding in dict.fromkeys(result.findings):
            console.print(f"✗ {result.judge}, {escape(result.subject)}: {escape(finding)}", soft_wrap=True)
    for each in dict.fromkeys(f"{result.judge}: {each}" for result in results for each in result.excused):
        console.print(f"excused, {escape(each)}", soft_wrap=True)
    failed = sum(not result.ok for result in results)
    console.print(f"{len(results)} results, {failed} not ok")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
