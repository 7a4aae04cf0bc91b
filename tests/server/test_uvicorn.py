"""What the server uses of uvicorn beyond its documented interface: a version without it fails here, in one sentence.

The guard is a subclass of uvicorn's protocol, which promises its subclasses nothing. So the range in pyproject.toml is
the one that was tried, and `USED` is the whole list: a test holds it to the code in both directions.
"""

from __future__ import annotations

import ast
import asyncio
import inspect
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.version import Version
from uvicorn import Config, Server
from uvicorn.lifespan.on import LifespanOn
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from tests.release.packages import ROOT
from tests.test_floors import requirements

PACKAGE = ROOT / "widget"
SERVER = PACKAGE / "server"

# uvicorn's class → what of it our code overrides (with its parameters), reads or sets.
OVERRIDDEN: dict[type, dict[str, list[str]]] = {
    HttpToolsProtocol: {
        "connection_made": ["transport"],
        "connection_lost": ["exc"],
        "data_received": ["data"],
        "eof_received": [],
        "pause_writing": [],
        "resume_writing": [],
        "shutdown": [],
        "on_message_begin": [],
        "on_header": ["name", "value"],
        "on_headers_complete": [],
        "on_body": ["body"],
        "on_message_complete": [],
        "on_response_complete": [],
        "_unset_keepalive_if_required": [],
    },
    FlowControl: {"pause_reading": [], "resume_reading": []},
    LifespanOn: {"startup": []},
    Server: {
        "startup": ["sockets"],
        "shutdown": ["sockets"],
        "capture_signals": [],
        "handle_exit": ["sig", "frame"],
    },
}
USED: dict[type, set[str]] = {
    HttpToolsProtocol: {
        *(
            "_start_asgi_task",
            "access_log",
            "access_logger",
            "app",
            "connections",
            "cycle",
            "expect_100_continue",
            "flow",
        ),
        *("headers", "logger", "loop", "parser", "pipeline", "scope", "server_state", "transport", "url"),
    },
    RequestResponseCycle: {
        *(
            "body",
            "default_headers",
            "disconnected",
            "keep_alive",
            "message_event",
            "response_complete",
            "response_started",
        ),
    },
    FlowControl: {"_transport", "drain", "read_paused", "write_paused"},
    LifespanOn: {"config", "logger", "should_exit", "shutdown", "state"},
    Server: {"config", "lifespan", "run", "server_state", "servers", "should_exit", "force_exit", "started"},
    ServerState: {"tasks", "total_requests"},
    Config: {"http_protocol_class", "lifespan_class", "load", "loaded_app"},
}


def has(owner: type, name: str) -> bool:
    """Return whether instances have it: on the class, or assigned or declared in one of its methods."""
    if hasattr(owner, name):
        return True
    tree = ast.parse(inspect.cleandoc("\n" + inspect.getsource(owner)))
    return any(
        isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and node.attr == name
        for node in ast.walk(tree)
    )


def missing() -> list[str]:
    """Return a sentence for each thing that the installed uvicorn lacks or calls otherwise."""
    version = metadata.version("uvicorn")
    sentences = []
    for owner in USED.keys() | OVERRIDDEN.keys():
        absent = [name for name in (*USED.get(owner, ()), *OVERRIDDEN.get(owner, ())) if not has(owner, name)]
        sentences += [f"uvicorn {version} has no {owner.__name__}.{name}, which the server uses." for name in absent]
        for name, parameters in OVERRIDDEN.get(owner, {}).items():
            if name not in absent and _parameters(getattr(owner, name)) != parameters:
                sentences.append(f"uvicorn {version} calls {owner.__name__}.{name} with other parameters.")
    return sentences


def _parameters(method: Callable[..., Any]) -> list[str]:
    return [name for name in inspect.signature(method).parameters if name != "self"]


def test_the_installed_version_has_all_that_the_server_uses() -> None:
    assert not (faults := missing()), " ".join(faults)


def test_a_version_that_lacks_something_is_named_in_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(HttpToolsProtocol, "_start_asgi_task")
    (sentence,) = [each for each in missing() if "_start_asgi_task" in each]
    assert sentence.startswith(f"uvicorn {metadata.version('uvicorn')} has no HttpToolsProtocol._start_asgi_task")


def test_the_range_has_a_lower_and_an_upper_bound_and_the_installed_version() -> None:
    asked: Requirement = requirements()["uvicorn"]
    assert {each.operator for each in asked.specifier} == {">=", "<"}
    assert Version(metadata.version("uvicorn")) in asked.specifier


def classes(file: Path) -> Iterator[ast.ClassDef]:
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ClassDef):
            yield node


def of_self(tree: ast.AST, name: str = "self") -> set[str]:
    """Return the attributes that a class asks `self` for, or that anybody asks `name` for."""
    return {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == name
    }


# uvicorn's class → the file of each class of ours that is made from it, and the name.
SUBCLASSES: dict[type, dict[str, str]] = {
    HttpToolsProtocol: {
        "server/reading.py": "PortionedReading",
        "server/answering.py": "OrderedAnswers",
        "server/protocol.py": "GuardedProtocol",
        "simulator/server.py": "ResettableProtocol",
    },
    FlowControl: {"server/flow.py": "PeerFlow"},
    LifespanOn: {"server/lifespan.py": "Lifespan"},
    Server: {"server/widget_server.py": "WidgetServer"},
}


def test_every_class_that_is_made_from_one_of_uvicorn_is_looked_at() -> None:
    listed = {(file, ours) for each in SUBCLASSES.values() for file, ours in each.items()}
    theirs = {owner.__name__ for owner in SUBCLASSES} | {ours for _, ours in listed}
    found = {
        (str(file.relative_to(PACKAGE)), each.name)
        for file in PACKAGE.rglob("*.py")
        for each in classes(file)
        if any(ast.unparse(base).removeprefix("uvicorn.") in theirs for base in each.bases)
    }
    assert found == listed


@pytest.mark.parametrize("owner", SUBCLASSES)
def test_the_list_names_all_that_a_subclass_takes_from_its_class(owner: type) -> None:
    trees = [tree for file, ours in SUBCLASSES[owner].items() for tree in classes(PACKAGE / file) if tree.name == ours]
    assert len(trees) == len(SUBCLASSES[owner])
    parts = [part for tree in trees for part in tree.body]
    methods = {each.name for each in parts if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)}
    taken = {name for tree in trees for name in of_self(tree) if has(owner, name)} - methods
    assert {name for name in methods if has(owner, name) and not name.startswith("__")} == set(OVERRIDDEN[owner])
    assert taken <= USED[owner]


def test_the_list_names_nothing_that_the_server_does_not_use() -> None:
    trees = [ast.parse(file.read_text()) for file in SERVER.glob("*.py")]
    named = {node.attr for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    assert set().union(*USED.values()) <= named


def test_the_list_names_all_that_is_asked_of_a_cycle_and_of_the_state() -> None:
    trees = [ast.parse((PACKAGE / file).read_text()) for file in SUBCLASSES[HttpToolsProtocol]]
    asked = {name for tree in trees for name in of_self(tree, "cycle")} | {
        node.attr
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) in ("self.cycle", "self._last_to_answer()")
    }
    assert asked == USED[RequestResponseCycle]
    assert asked_of("self.server_state") == USED[ServerState]


def asked_of(*names: str) -> set[str]:
    """Return the attributes that the server asks for of what it calls by these names."""
    trees = [ast.parse(file.read_text()) for file in SERVER.glob("*.py")]
    nodes = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Attribute)]
    return {node.attr for node in nodes if ast.unparse(node.value) in names}


def test_the_list_names_all_that_is_asked_of_a_configuration_and_of_a_lifespan() -> None:
    assert asked_of("made", "configured", "config", "self.config") == USED[Config]
    ours = {"failure", "when_started"}
    assert asked_of("self.lifespan", "lifespan") - ours <= USED[LifespanOn] | OVERRIDDEN[LifespanOn].keys()


def test_a_connection_is_made_with_all_that_it_takes() -> None:
    required = {
        name for name, each in inspect.signature(HttpToolsProtocol).parameters.items() if each.default is each.empty
    }
    assert {each.arg for each in call_of("made").keywords} == required


def call_of(name: str) -> ast.Call:
    trees = [ast.parse(file.read_text()) for file in SERVER.glob("*.py")]
    (call,) = [n for tree in trees for n in ast.walk(tree) if isinstance(n, ast.Call) and ast.unparse(n.func) == name]
    return call


def test_a_cycle_is_made_with_all_that_it_takes() -> None:
    given = {each.arg for each in call_of("RequestResponseCycle").keywords}
    assert given == set(inspect.signature(RequestResponseCycle).parameters)


def test_the_settings_of_a_server_are_known() -> None:
    known = set(inspect.signature(Config).parameters)
    assert {each.arg for each in call_of("uvicorn.Config").keywords} <= known
    assert asyncio.iscoroutinefunction(Server.startup)
