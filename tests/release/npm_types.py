"""Write the types of the npm package from examples/npm/description.json.

python -m tests.release.npm_types
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PACKAGE = Path(__file__).parents[2] / "examples" / "npm"
_NOTE = "// Written by `python -m tests.release.npm_types` from description.json."


def description() -> dict[str, Any]:
    """Return attributes, events, methods and the fields of the decision, each with its type."""
    found: dict[str, Any] = json.loads((PACKAGE / "description.json").read_text(encoding="utf-8"))
    return found


def option(attribute: str) -> str:
    """Return an attribute's name as an option: entry-point → entryPoint."""
    first, *rest = attribute.split("-")
    return first + "".join(map(str.capitalize, rest))


def handler(event: str) -> str:
    """Return the name of the React component's property for an event: ece-chat-open → onOpen."""
    return "on" + event.removeprefix("ece-chat-").capitalize()


def files() -> dict[str, str]:
    """Return the text of each file of types."""
    given = description()
    return {
        "index.d.ts": "\n".join(_index(given)) + "\n",
        "react.d.ts": "\n".join(_react(given)) + "\n",
        "vue.d.ts": "\n".join(_vue(given)) + "\n",
        "svelte.d.ts": "\n".join(_svelte(given)) + "\n",
    }


def _index(given: dict[str, Any]) -> Iterator[str]:
    yield _NOTE
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
    yield from (f"  {option(name)}?: {kind} | null;" for name, (kind, _) in given["attributes"].items())
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
    for kind in ("HTMLElementEventMap", "DocumentEventMap", "WindowEventMap"):
        yield f"declare global {{ interface {kind} extends Events {{}} }}"
    yield "export interface HTMLEceChatElement extends HTMLElement {}"
    yield "/** The one global of the script, `eceChat`. */"
    yield "export interface EceChatApi {"
    for name, (kind, words) in given["methods"].items():
        yield f"  /** {words} */"
        yield f"  {name}{kind};"
    yield "}"
    yield "declare global {"
    yield '  interface HTMLElementTagNameMap { "ece-chat": HTMLEceChatElement }'
    yield "  interface Window { eceChat?: EceChatApi }"
    yield "}"
    yield "/** Load the script from the operator's server, as `https://chat.example.com`, once; reject if it fails. */"
    yield "export function loadEceChat(server: string): Promise<EceChatApi>;"


def _react(given: dict[str, Any]) -> Iterator[str]:
    yield _NOTE
    yield 'import type { DetailedHTMLProps, HTMLAttributes } from "react";'
    yield 'import type { Attributes, CreateOptions, Events, HTMLEceChatElement } from "./index.js";'
    yield "export interface EceChatProps extends CreateOptions {"
    yield "  /** The operator's server, as `https://chat.example.com`. */"
    yield "  server: string;"
    yield from (f'  {handler(name)}?: (event: Events["{name}"]) => void;' for name in given["events"])
    yield "}"
    yield "/** A launcher in its corner or target, as long as this is mounted. */"
    yield "export function EceChat(props: EceChatProps): null;"
    yield 'declare module "react" {'
    yield "  namespace JSX {"
    yield "    interface IntrinsicElements {"
    yield '      "ece-chat": DetailedHTMLProps<HTMLAttributes<HTMLEceChatElement>, HTMLEceChatElement> & Attributes;'
    yield "    }"
    yield "  }"
    yield "}"


def _vue(given: dict[str, Any]) -> Iterator[str]:
    yield _NOTE
    yield 'import type { DefineComponent, HTMLAttributes } from "vue";'
    yield 'import type { Events, Options } from "./index.js";'
    yield "export interface Listeners {"
    yield from (
        f'  on{"".join(map(str.capitalize, name.split("-")))}?: (event: Events["{name}"]) => void;'
        for name in given["events"]
    )
    yield "}"
    yield 'declare module "vue" {'
    yield "  interface GlobalComponents {"
    yield '    "ece-chat": DefineComponent<Options & Listeners & HTMLAttributes>;'
    yield "  }"
    yield "}"


def _svelte(given: dict[str, Any]) -> Iterator[str]:
    yield _NOTE
    yield 'import type { HTMLAttributes } from "svelte/elements";'
    yield 'import type { Attributes, Events, HTMLEceChatElement } from "./index.js";'
    yield 'declare module "svelte/elements" {'
    yield "  interface SvelteHTMLElements {"
    yield '    "ece-chat": HTMLAttributes<HTMLEceChatElement> & Attributes & {'
    yield from (f'      "on{name}"?: (event: Events["{name}"]) => void;' for name in given["events"])
    yield "    };"
    yield "  }"
    yield "}"


if __name__ == "__main__":
    for name, text in files().items():
        (PACKAGE / name).write_text(text, encoding="utf-8")
