"""Write the types of the npm package from examples/npm/description.json; those of the frameworks follow from them.

python -m tests.release.npm_types
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PACKAGE = Path(__file__).parents[2] / "examples" / "npm"
TYPES = PACKAGE / "index.d.ts"


def description() -> dict[str, Any]:
    """Return attributes, events, methods and the fields of the decision, each with its type."""
    found: dict[str, Any] = json.loads((PACKAGE / "description.json").read_text(encoding="utf-8"))
    return found


def option(attribute: str) -> str:
    """Return an attribute's name as an option: entry-point → entryPoint."""
    first, *rest = attribute.split("-")
    return first + "".join(map(str.capitalize, rest))


def types() -> str:
    """Return the text of the file of types."""
    return "\n".join(_lines(description())) + "\n"


def _lines(given: dict[str, Any]) -> Iterator[str]:
    yield "// Written by `python -m tests.release.npm_types` from description.json."
    yield "/** What is known about an entry point; times are seconds. */"
    yield "export interface Decision {"
    yield from (f"  {name}: {kind};" for name, kind in given["decision"].items())
    yield "}"
    yield "/** The attributes of the element, each without `data-`. */"
    yield "export interface Attributes {"
    for name, (kind, words) in given["attributes"].items():
        yield f"  /** {words} */"
        yield f'  "{name}"?: {kind};'
    yield "}"
    yield "/** The attributes as options; null takes a value away. */"
    yield "export interface Options {"
    for name, (kind, words) in given["attributes"].items():
        yield f"  /** {words} */"
        yield f"  {option(name)}?: {kind} | null;"
    yield "}"
    yield "export interface CreateOptions extends Options {"
    yield "  entryPoint: string;"
    yield "}"
    yield "/** Events of the element; they bubble. */"
    yield "export interface Events {"
    for name, (kind, words) in given["events"].items():
        yield f"  /** {words} */"
        yield f'  "{name}": CustomEvent<{kind}>;'
    yield "}"
    yield "export interface HTMLEceChatElement extends HTMLElement {}"
    yield "/** The one global of the script, `eceChat`. */"
    yield "export interface EceChatApi {"
    for name, (kind, words) in given["methods"].items():
        yield f"  /** {words} */"
        yield f"  {name}{kind};"
    yield "}"
    yield "declare global {"
    for kind in ("HTMLElementEventMap", "DocumentEventMap", "WindowEventMap"):
        yield f"  interface {kind} extends Events {{}}"
    yield '  interface HTMLElementTagNameMap { "ece-chat": HTMLEceChatElement }'
    yield "  interface Window { eceChat?: EceChatApi }"
    yield "}"
    yield "/** Load the script from the operator's server, as `https://chat.example.com`, once; reject if it fails. */"
    yield "export function loadEceChat(server: string): Promise<EceChatApi>;"


if __name__ == "__main__":
    TYPES.write_text(types(), encoding="utf-8")
