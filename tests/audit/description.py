"""The description of the addresses, as schemathesis holds the product against it: by far more than the tests do."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

from tests.audit.product import RunningProduct, running_product
from tests.audit.result import Result, judged
from tests.described import look

EXAMPLES = 300


def schemathesis(product: RunningProduct) -> Iterator[Result]:
    """Ask as an operator and as a visitor, with another seed each time; the table names it.

    It is shown a server that is reached by its own port, so that what answers lead to is there as well.
    """
    for operator in (True, False):
        seed = secrets.randbelow(1_000_000)
        with running_product(product.folder) as plain:
            seen = look(plain, examples=EXAMPLES, seed=seed, operator=operator)
        who = "with an operator's token" if operator else "without a token"
        yield judged("schemathesis", f"{who} (seed {seed})", seen.findings, said=f"{seen.requests:,} requests")
