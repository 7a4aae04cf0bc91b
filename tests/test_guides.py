"""What the guides say to type: a test runs each block of commands; what is of ours and in a sentence is run here."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests import settling
from tests.fleet_processes import Process
from tests.ports import free_port
from tests.release.packages import ROOT
from tests.serving import serving
from widget.cli import COMMANDS, main
from widget.domain.outbox import Answer, Claim, OutboxMessage
from widget.simulator import create_simulator
from widget.store.outbox import open_outbox

FOLDERS = (".github", "examples", "static", "templates")
PAGES = [ROOT / "README.md", *sorted(page for folder in FOLDERS for page in (ROOT / folder).rglob("*.md"))]
TEXTS = {page.relative_to(ROOT).as_posix(): page.read_text(encoding="utf-8") for page in PAGES}
BARE_SHELL = "tests/soak/test_commands_in_the_guides.py"
MACHINE = f"{BARE_SHELL}::test_the_guides_machine_and_its_upgrade"
CLONE = f"{BARE_SHELL}::test_what_contributors_type_in_a_fresh_clone"
SITE = "tests/soak/test_site_guides.py::test_who_follows_the_guide_sees_the_button"
THEMING = "tests/test_guides.py::test_who_follows_the_guide_to_theming_has_a_theme_without_a_fault"
# Page and heading of each block of commands, and the test that runs it; `make test` and `make check` run the tests.
RUN_BY = {
    (".github/CONTRIBUTING.md", "Working on ECE Widget"): CLONE,
    ("README.md", "Put it on a site"): f"{BARE_SHELL}::test_the_readmes_first_way_installs_it_and_makes_a_wheel",
    ("README.md", "Try it"): CLONE,
    ("examples/angular/README.md", "Angular"): SITE,
    ("examples/astro/README.md", "Astro"): SITE,
    ("examples/deploy/CAPACITY.md", "How far it goes, and what each step costs"): (
        "tests/test_deploy.py::test_the_simulation_gives_the_numbers_of_the_capacity_page"
    ),
    ("examples/deploy/README.md", "Back-up and restore"): (
        "tests/store/test_backup.py::test_what_the_guide_backs_up_is_there_after_its_restore"
    ),
    ("examples/deploy/README.md", "One machine, two processes"): MACHINE,
    ("examples/deploy/README.md", "Restart without downtime"): MACHINE,
    ("examples/deploy/kubernetes/README.md", "Set it up"): (
        f"{BARE_SHELL}::test_the_guide_to_kubernetes_makes_the_secrets_that_its_kustomization_reads"
    ),
    ("examples/next/README.md", "Next.js"): SITE,
    ("examples/npm/README.md", "ece-widget"): SITE,
    ("examples/react/README.md", "React 18 and 19"): SITE,
    ("examples/svelte/README.md", "Svelte"): SITE,
    ("examples/vue/README.md", "Vue"): SITE,
    ("templates/README.md", "1. Colours, corner, font, icon"): THEMING,
    ("templates/README.md", "Before it goes out"): THEMING,
}
# What the pages leave to whoever reads them, and a wait for a balancer that is not here.
NAMES = {"NAME": "sales", "ENTRY_POINT": "sales", "KEY": "server", "ID": "1", "SID": "88123_f0e1d2", "10s": "0s"}
SETTINGS = """
[server]
public_url = "http://127.0.0.1:{port}"
[security]
secret_keys = ["a-secret-for-tests-that-is-long-enough"]
[ece]
base_url = "{ece}/system"
[entry_points.sales]
id = 1001
chat_url = "{ece}/system/templates/chat/aqua/index.html?subActivity=Chat&entryPointId={{id}}&locale={{locale}}"
survey = "after_chat"
[surveys.after_chat]
title = "How did we do?"
[[surveys.after_chat.questions]]
id = "comment"
kind = "text"
text = "What could we do better?"
[storage]
url = "sqlite:///{folder}/outbox.db"
"""


def typed(text: str) -> str:
    """Return what a page gives to type or names as code, one a line, without the words around it."""
    fenced = re.compile(r"^ *```(\w*)\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
    blocks = "".join(block for language, block in fenced.findall(text) if language == "sh")
    spans = re.findall(r"`([^`]+)`", fenced.sub("", text))
    return "\n".join([*blocks.splitlines(), *(" ".join(span.split()) for span in spans)])


TYPED = "\n".join(typed(text) for text in TEXTS.values())


def of_ours() -> list[str]:
    """Return the commands of ours that are written out: one of them alone, without its program, is but a name."""
    name, more = rf"(?:{'|'.join(COMMANDS)})", r"(?: [\w\[\].-]+)"
    found = re.findall(rf"^(?:ece-widget ({name}{more}*)|({name}{more}+))$", TYPED, re.MULTILINE)
    return sorted({alone or bare for alone, bare in found})


def test_every_block_of_commands_is_run_by_a_test() -> None:
    found = {
        (page, heading)
        for page, text in TEXTS.items()
        for heading, section in re.findall(r"^#+ (.*)\n((?:(?!#+ ).*\n?)*)", text, re.MULTILINE)
        if "```sh" in section
    }
    assert found == set(RUN_BY), "another one needs a test, and its name here"


@pytest.mark.parametrize("test", sorted(set(RUN_BY.values())))
def test_each_test_that_is_said_to_run_a_block_is_there(test: str) -> None:
    file, _, name = test.partition("::")
    assert f"def {name}(" in (ROOT / file).read_text(encoding="utf-8")


def test_the_package_for_npm_is_installed_as_in_the_guides_that_are_followed() -> None:
    (block,) = re.findall(r"^```sh\n.*?^```$", TEXTS["examples/npm/README.md"], re.DOTALL | re.MULTILINE)
    assert block in TEXTS["examples/react/README.md"]


@pytest.mark.parametrize("target", sorted(set(re.findall(r"^make (\w+)", TYPED, re.MULTILINE))))
def test_what_a_page_makes_can_be_made(target: str) -> None:
    done = subprocess.run(["make", "--dry-run", target], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("module", sorted(set(re.findall(r"^\.venv/bin/python -m (\S+)", TYPED, re.MULTILINE))))
def test_a_module_that_a_page_runs_is_there(module: str) -> None:
    assert find_spec(module) is not None


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The settings of a server that runs, with an ECE, and one survey in the outbox that could not be delivered."""
    folder, port = tmp_path_factory.mktemp("running"), free_port()
    file = folder / "ece-widget.toml"
    with serving(create_simulator(widget_url=f"http://127.0.0.1:{port}", seed=3)) as ece:
        file.write_text(SETTINGS.format(port=port, ece=ece, folder=folder))
        asyncio.run(keep_a_dead_survey(f"sqlite:///{folder}/outbox.db"))
        command = [sys.executable, "-m", "widget", "serve", "--config", str(file), "--port", str(port)]
        with Process(command, port, folder / "log").serving():
            yield file.read_text()


async def keep_a_dead_survey(url: str) -> None:
    now = datetime.now(UTC)
    outbox = await open_outbox(url, now=lambda: now)
    answers = (Answer("comment", "What could we do better?", "Nothing"),)
    await outbox.enqueue(OutboxMessage("key", "88123_f0e1d2", "sales", "after_chat", answers))
    (message,) = (await outbox.claim(Claim(limit=1, owner="x", now=now, lease=timedelta(minutes=1)))).messages
    await outbox.settle(settling.dead(message, now=now, reason="ece_status 400"))
    await outbox.close()


@pytest.mark.parametrize("command", [each for each in of_ours() if each != "serve"])  # that one runs already
def test_a_command_does_what_a_page_says_of_it(
    command: str, settings: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    name, *arguments = (NAMES.get(word, word) for word in re.sub(r"[\[\]]", "", command).split())
    if name != "init":
        (tmp_path / "ece-widget.toml").write_text(settings)
    if name == "serve":
        port = free_port()
        whole = [sys.executable, "-m", "widget", name, *arguments, "--port", str(port)]
        process = Process([*whole, "--config", str(tmp_path / "ece-widget.toml")], port, tmp_path / "log")
        process.start()
        assert process.stop() == 0
        return
    result = CliRunner().invoke(main, [name, *arguments])
    assert result.exit_code == 0, result.output


def test_who_follows_the_guide_to_theming_has_a_theme_without_a_fault(
    settings: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each block in turn, and before a style sheet the sentence that copies it and has its first line kept."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ece-widget.toml").write_text(settings)
    words, *parts = re.split(r"^```", TEXTS["templates/README.md"], flags=re.MULTILINE)
    said = ""
    for block, after in zip(parts[::2], parts[1::2], strict=True):
        language, _, text = block.partition("\n")
        commands = text.splitlines() if language == "sh" else re.findall(r"`ece-widget (theme new [^`]+)`", words)
        for command in commands:
            result = CliRunner().invoke(main, command.removeprefix("ece-widget ").split())
            assert result.exit_code == 0, result.output
            said = result.output
        if language == "css":
            (file,) = (tmp_path / "themes").rglob("*.css")
            file.write_text(file.read_text().partition("\n")[0] + "\n" + text)
        words = after
    assert said == f"Nothing to say about {tmp_path / 'themes'}.\n"
