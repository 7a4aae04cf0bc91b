"""Every page in every state, as vnu and html-validate see it."""

from __future__ import annotations

import itertools
import json
import re
import subprocess
from collections import defaultdict
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from urllib.parse import parse_qs, urlencode

from tests.audit.product import TOKEN, Answer, RunningProduct
from tests.audit.result import Excuse, Result, judged
from tests.audit.tools import MODULES, java, node_package, program

OPERATOR = {"Authorization": f"Bearer {TOKEN}"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
FRAGMENT = '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>A page</title>\n</head>\n<body>\n'
SAMPLE_PAGES = ("/", "/elements", "/de", "/ar", "/strict", "/app", "/no-script")

# html-validate's own taste in layout is not asked for; what it knows of the standard and of access is.
RULES = {
    "extends": ["html-validate:standard", "html-validate:a11y"],
    "rules": {"no-trailing-whitespace": "off"},
}
VNU_EXCUSES = (
    Excuse(
        "This document appears to be written in English", "what it reads is the style sheet in the launcher's template"
    ),
)


def vnu(product: RunningProduct) -> Iterator[Result]:
    """Let the Nu Html Checker read all pages at once."""
    files = written(product)
    jar = node_package("vnu-jar") / "build" / "dist" / "vnu.jar"
    command = [
        java(),
        "-Xss4m",
        "-jar",
        str(jar),
        "--stdout",
        "--exit-zero-always",
        "--format",
        "json",
        *map(str, files.values()),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found: dict[str, list[str]] = defaultdict(list)
    for each in json.loads(done.stdout)["messages"]:
        if each["type"] != "info" or each.get("subType") == "warning":
            name = Path(each["url"]).stem
            assert name in files, each
            found[name].append(
                f"{each.get('subType', each['type'])}: {each['message']} [{each.get('extract', '')[:80]}]"
            )
    yield from _by_group("vnu", files, found, VNU_EXCUSES)


def html_validate(product: RunningProduct) -> Iterator[Result]:
    """Let html-validate read all pages at once."""
    files = written(product)
    node_package("html-validate")
    rules = product.folder / "htmlvalidate.json"
    rules.write_text(json.dumps({"root": True, **RULES}), encoding="utf-8")
    entry = MODULES / "html-validate" / "bin" / "html-validate.mjs"
    report_file = product.folder / "html-validate.json"  # not its output, which it cuts at the size of a pipe
    formatter = f"json={report_file}"
    command = [program("node"), str(entry), "--config", str(rules), "--formatter", formatter, *map(str, files.values())]
    subprocess.run(command, capture_output=True, check=False)
    found: dict[str, list[str]] = defaultdict(list)
    for report in json.loads(report_file.read_text(encoding="utf-8")):
        for each in report["messages"]:
            found[Path(report["filePath"]).stem].append(f"{each['ruleId']}: {each['message']} (line {each['line']})")
    yield from _by_group("html-validate", files, found)


def written(product: RunningProduct) -> dict[str, Path]:
    """Put every page into the product's folder, once; gives the files by name, `group-number`."""
    folder = product.folder / "pages"
    folder.mkdir(exist_ok=True)
    if not any(folder.iterdir()):
        for name, html in pages(product):
            (folder / f"{name}.html").write_bytes(html)
    return {file.stem: file for file in sorted(folder.iterdir())}


def pages(product: RunningProduct) -> Iterator[tuple[str, bytes]]:
    """Return every page: what visitors reach, what the preview can draw, fragments, and the sample site."""
    for number, answer in enumerate(_real(product)):
        assert answer.header("content-type").startswith("text/html"), (answer.path, answer.status)
        yield f"pages_as_visitors_get_them-{number}", answer.body
    for name, entry_point in itertools.product(("default", "civic", "bold", "text"), ("sales", "closed")):
        fragment = product.ask(f"/v1/launcher/{entry_point}?theme={name}").body
        yield f"launcher_fragments-{name}-{entry_point}", FRAGMENT.encode() + fragment + b"\n</body>\n</html>\n"
    yield "preview-page", product.as_operator("/preview").body
    for number, query in enumerate(_frames(choices(product))):
        answer = product.as_operator(f"/preview/frame?{query}")
        assert answer.status == 200
        kind = re.sub(r"\W+", "_", parse_qs(query)["show"][0])
        yield f"preview_{kind}-{number}", answer.body
    for number, path in enumerate(SAMPLE_PAGES):
        yield f"sample_site-{number}", product.ask_site(path).body


def _real(product: RunningProduct) -> Iterator[Answer]:
    survey = product.survey_path
    yield product.ask("/v1/chat/closed")
    yield product.ask("/v1/chat/closed?locale=ar")
    yield product.ask("/v1/chat/nobody")
    yield product.ask("/v1/chat/sales", method="DELETE")
    yield product.ask("/survey/nonsense")
    yield product.ask("/nothing", headers={"Accept": "text/html"})
    yield product.ask("/survey/start", method="POST", headers=FORM, body=b"ticket=x&sid=y")
    for locale in ("en", "de", "ar"):
        yield product.ask(f"{survey}?locale={locale}")
        yield product.ask(f"{survey}?locale={locale}", method="POST", headers=FORM, body=b"helpful=9&comment=%3Cb%3E")
    yield product.ask(survey, method="POST", headers=FORM, body=b"helpful=4&solved=yes&comment=fine")


def choices(product: RunningProduct) -> dict[str, list[str]]:
    """Read from the preview what can be chosen."""
    options: dict[str, list[str]] = defaultdict(list)
    page = product.as_operator("/preview").body.decode()
    for name, value in re.findall(r'<input type="(?:checkbox|radio)" name="([^"]+)" value="([^"]+)"', page):
        options[name].append(unescape(value))
    return options


def _frames(options: dict[str, list[str]]) -> Iterator[str]:
    """Return each kind and state in each theme, and in each language."""
    for show in options["show"]:
        states = options["state"] if show in ("launcher", "closed") else options["state"][:1]
        by_theme = itertools.product(states, options["theme"], ["en"], ["light"])
        by_language = itertools.product(states[:5], ["default"], options["locale"], ["dark"])
        for state, theme, locale, scheme in itertools.chain(by_theme, by_language):
            picked = {"show": show, "state": state, "theme": theme, "locale": locale, "scheme": scheme}
            yield urlencode({**picked, "button": "message", "entry_point": "sales"})


def _by_group(
    judge: str, files: dict[str, Path], found: dict[str, list[str]], excuses: tuple[Excuse, ...] = ()
) -> Iterator[Result]:
    groups: dict[str, list[str]] = defaultdict(list)
    for name in files:
        groups[name.partition("-")[0]].append(name)
    for group, names in groups.items():
        findings = sorted({finding for name in names for finding in found.get(name, ())})
        yield judged(judge, f"{group.replace('_', ' ')} ({len(names)})", findings, excuses=excuses)
