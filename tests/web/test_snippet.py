"""The snippet as it is served and as it is built: budgets, encodings, caches, frozen copies."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from pathlib import Path

import brotli
import httpx
import pytest
from click.testing import CliRunner
from starlette.applications import Starlette

from widget.commands.snippet import snippet as command
from widget.snippet import build as snippet
from widget.web.public.caching import content_coding
from widget.web.snippet import SnippetFiles, routes

STATIC = Path(__file__).resolve().parents[2] / "static"


@pytest.fixture(scope="module")
def files() -> SnippetFiles:
    return SnippetFiles(STATIC)


@pytest.fixture
def client(files: SnippetFiles) -> httpx.AsyncClient:
    app = Starlette(routes=[*routes(files)])
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="https://chat.example.com")


def test_the_script_keeps_its_budget(files: SnippetFiles) -> None:
    assert len(files.current.brotli) <= 6_000


def test_the_built_copy_is_the_one_made_of_this_source(tmp_path: Path) -> None:
    (tmp_path / "widget.js").write_text((STATIC / "widget.js").read_text())
    folder = snippet.write_build(tmp_path)
    built = snippet.current(tmp_path)
    assert built == snippet.build((STATIC / "widget.js").read_text())
    assert (folder / built.name).read_bytes() == built.plain
    assert brotli.decompress(built.brotli) == gzip.decompress(built.gzip) == built.plain


def test_an_edited_source_is_served_though_an_older_build_is_there(tmp_path: Path) -> None:
    (tmp_path / "widget.js").write_text("first()")
    snippet.write_build(tmp_path)
    (tmp_path / "widget.js").write_text("second()")
    assert snippet.current(tmp_path).plain == b"second()"


def test_half_a_build_is_made_anew(tmp_path: Path) -> None:
    (tmp_path / "widget.js").write_text("first()")
    for leftover in snippet.write_build(tmp_path).glob("*.br"):
        leftover.unlink()
    assert snippet.current(tmp_path).plain == b"first()"


@pytest.mark.parametrize("path", sorted((STATIC / "frozen").glob("*.js")), ids=lambda path: path.name)
def test_a_frozen_copy_never_changes(path: Path) -> None:
    assert path.name == snippet.immutable_name(path.read_bytes())


@pytest.fixture
def upgraded(tmp_path: Path) -> SnippetFiles:
    """The files after an upgrade: an earlier release's copy is frozen."""
    (tmp_path / "frozen").mkdir()
    (tmp_path / "widget.js").write_text("first()")
    snippet.freeze(tmp_path)
    (tmp_path / "widget.js").write_text("second()")
    return SnippetFiles(tmp_path)


@pytest.mark.anyio
async def test_a_frozen_copy_stays_served_beside_the_current_one(upgraded: SnippetFiles) -> None:
    app = Starlette(routes=[*routes(upgraded)])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="https://chat.example.com") as client:
        assert (await client.get("/" + snippet.immutable_name(b"first()"))).content == b"first()"
        assert (await client.get("/widget.js")).content == b"second()"
        assert (await client.get("/widget.v1.0123456789abcdef.js")).status_code == 404


def test_this_release_is_frozen_and_no_copy_that_was_withdrawn_is_served(files: SnippetFiles) -> None:
    assert files.current.name in {path.name for path in (STATIC / "frozen").glob("*.js")}
    assert files.withdrawn.isdisjoint(files.by_name)


@pytest.fixture
def after_a_withdrawal(upgraded: SnippetFiles, tmp_path: Path) -> Starlette:
    """The script's addresses after the earlier release was withdrawn."""
    for copy in (tmp_path / "frozen").glob("*.js"):
        (tmp_path / "frozen" / snippet.WITHDRAWN).write_text(f"# found by a test\n\n{copy.name}  # a hole\n")
        copy.unlink()
    return Starlette(routes=[*routes(SnippetFiles(tmp_path))])


@pytest.mark.anyio
@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_a_withdrawn_copy_is_gone_and_never_other_bytes(after_a_withdrawal: Starlette, method: str) -> None:
    transport = httpx.ASGITransport(after_a_withdrawal)
    async with httpx.AsyncClient(transport=transport, base_url="https://chat.example.com") as client:
        gone = await client.request(method, "/" + snippet.immutable_name(b"first()"))
        assert gone.status_code == 410
        assert b"first" not in gone.content
        assert "immutable" not in gone.headers.get("cache-control", "")
        assert (await client.get("/widget.js")).content == b"second()"


def test_a_copy_that_was_withdrawn_is_not_frozen_again(tmp_path: Path) -> None:
    (tmp_path / "frozen").mkdir()
    (tmp_path / "widget.js").write_text("first()")
    (tmp_path / "frozen" / snippet.WITHDRAWN).write_text(snippet.build("first()").name)
    with pytest.raises(ValueError, match="is withdrawn"):
        snippet.freeze(tmp_path)


@pytest.mark.parametrize("line", ["widget.js", "widget.v1.XYZ.js", "../secrets", "widget.v1.0123456789abcdef.js.br"])
def test_a_line_that_names_no_copy_stops_the_start(tmp_path: Path, line: str) -> None:
    (tmp_path / "frozen").mkdir()
    (tmp_path / "widget.js").write_text("first()")
    (tmp_path / "frozen" / snippet.WITHDRAWN).write_text(line)
    with pytest.raises(ValueError, match=r"withdrawn\.txt"):
        SnippetFiles(tmp_path)


def test_a_copy_cannot_be_withdrawn_and_still_be_there(upgraded: SnippetFiles, tmp_path: Path) -> None:
    (tmp_path / "frozen" / snippet.WITHDRAWN).write_text(snippet.immutable_name(b"first()"))
    with pytest.raises(ValueError, match="still there"):
        SnippetFiles(tmp_path)


@pytest.mark.anyio
@pytest.mark.parametrize("asked", ["br", "gzip", "identity", "gzip, deflate, br, zstd", ""])
async def test_ready_bytes_in_the_encoding_that_was_asked_for(
    client: httpx.AsyncClient, files: SnippetFiles, asked: str
) -> None:
    answer = await client.get("/widget.js", headers={"Accept-Encoding": asked})
    assert answer.content == files.current.plain
    assert answer.headers.get("content-encoding", "identity") == ("br" if "br" in asked else asked or "identity")
    assert answer.headers["vary"] == "Accept-Encoding"
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
    assert "no-transform" in answer.headers["cache-control"]
    assert "set-cookie" not in answer.headers


@pytest.mark.anyio
async def test_an_unchanged_script_is_a_304(client: httpx.AsyncClient) -> None:
    first = await client.get("/widget.js", headers={"Accept-Encoding": "br"})
    for condition in (first.headers["etag"], f'"other", W/{first.headers["etag"]}', "*"):
        again = await client.get("/widget.js", headers={"Accept-Encoding": "br", "If-None-Match": condition})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == first.headers["etag"]
    other = await client.get("/widget.js", headers={"Accept-Encoding": "gzip", "If-None-Match": first.headers["etag"]})
    assert other.status_code == 200


@pytest.mark.anyio
async def test_the_named_copy_is_for_good_and_the_latest_is_not(client: httpx.AsyncClient, files: SnippetFiles) -> None:
    named = await client.get(f"/{files.current.name}")
    latest = await client.get("/widget.js")
    assert named.content == latest.content
    assert "immutable" in named.headers["cache-control"]
    assert "max-age=31536000" in named.headers["cache-control"]
    assert "max-age=300" in latest.headers["cache-control"]
    digest = base64.b64encode(hashlib.sha384(named.content).digest()).decode()
    assert files.current.integrity == f"sha384-{digest}"


@pytest.mark.anyio
async def test_head_and_the_readable_source(client: httpx.AsyncClient) -> None:
    assert (await client.head("/widget.js")).status_code == 200
    assert (await client.get("/widget.src.js")).text == (STATIC / "widget.js").read_text()


@pytest.mark.parametrize(
    ("field", "coding"),
    [
        ("br;q=0, gzip", "gzip"),
        ("br;q=0.5, gzip;q=0.8", "gzip"),
        ("*", "br"),
        ("*;q=0", "identity"),
        ("identity, br;q=0.1", "identity"),
        ("BR", "br"),
        ("br;q=nonsense", "identity"),
        (", ;,", "identity"),
    ],
)
def test_the_encoding_follows_the_weights(field: str, coding: str) -> None:
    assert (content_coding(field.encode()) or "identity") == coding


@pytest.fixture
def settings_file(tmp_path: Path) -> Path:
    path = tmp_path / "ece-widget.toml"
    path.write_text(
        '[server]\npublic_url = "https://chat.example.com"\n[security]\n'
        'secret_keys = ["a-secret-that-is-long-enough"]\n'
        '[ece]\nbase_url = "https://ece.example.com/system"\n[entry_points.sales]\nid = 1\n'
        'chat_url = "https://ece.example.com/chat?entryPointId={id}"\n'
    )
    return path


def test_the_command_prints_both_tags(settings_file: Path, files: SnippetFiles) -> None:
    result = CliRunner().invoke(command, ["sales", "--config", str(settings_file), "--json"])
    assert result.exit_code == 0
    told = json.loads(result.output)
    assert told["tag"] == ('<script async src="https://chat.example.com/widget.js" data-entry-point="sales"></script>')
    assert files.current.name in told["pinnedTag"]
    assert f'integrity="{files.current.integrity}" crossorigin="anonymous"' in told["pinnedTag"]
    readable = CliRunner().invoke(command, ["sales", "--config", str(settings_file)])
    assert told["tag"] in readable.output
    assert told["pinnedTag"] in readable.output


def test_the_command_names_an_entry_point_it_does_not_know(settings_file: Path) -> None:
    result = CliRunner().invoke(command, ["sails", "--config", str(settings_file)])
    assert result.exit_code == 2
    assert "'sails' is no entry point" in result.output
    assert "sales" in result.output
