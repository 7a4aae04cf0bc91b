"""The tag manager's template, as far as it can be judged without the manager: its form, its permissions, its own tests.

The format is that of the Community Template Gallery (https://developers.google.com/tag-platform/tag-manager/templates).
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from typing import Any

import pytest
import yaml

from tests.release.packages import ROOT

FOLDER = ROOT / "examples" / "tag-manager"
_, *PARTS = re.split(r"^___([A-Z_]+)___$", (FOLDER / "template.tpl").read_text(encoding="utf-8"), flags=re.MULTILINE)
SECTIONS = {name: text.strip() for name, text in zip(PARTS[::2], PARTS[1::2], strict=True)}
CODE = SECTIONS["SANDBOXED_JS_FOR_WEB_TEMPLATE"]
SCENARIOS: list[dict[str, str]] = yaml.safe_load(SECTIONS["TESTS"])["scenarios"]
# What the sandbox does not have: https://developers.google.com/tag-platform/tag-manager/templates/sandboxed-javascript
OUTSIDE = r"\b(window|document|globalThis|self|new|this|class|async|await|eval|Function|Promise|fetch|RegExp|import)\b"
# The sandbox's functions for tests, in node: each scenario has its own mocks and calls.
HARNESS = """
const [code, scenario] = JSON.parse(require("fs").readFileSync(0, "utf-8"));
const called = new Set();
const mocks = {};
const apis = { encodeUriComponent: encodeURIComponent };
const mock = (name, stand_in) => { mocks[name] = stand_in; };
const api = (name) => (...given) => { called.add(name); return (mocks[name] || apis[name])(...given); };
const assertThat = (value) => ({
  isEqualTo: (wanted) => { if (value !== wanted) throw new Error(`${value} is not ${wanted}`); },
});
const assertApi = (name) => ({
  wasCalled: () => { if (!called.has(name)) throw new Error(`${name} was not called`); },
  wasNotCalled: () => { if (called.has(name)) throw new Error(`${name} was called`); },
});
const runCode = (data) => {
  const outcomes = Object.fromEntries(["gtmOnSuccess", "gtmOnFailure"].map((name) => [name, () => called.add(name)]));
  new Function("require", "data", '"use strict";' + code)(api, { ...outcomes, ...data });
};
new Function("mock", "runCode", "assertThat", "assertApi", scenario)(mock, runCode, assertThat, assertApi);
"""


def test_the_file_has_the_sections_of_the_format_in_their_order() -> None:
    assert list(SECTIONS) == [
        "TERMS_OF_SERVICE",
        "INFO",
        "TEMPLATE_PARAMETERS",
        "SANDBOXED_JS_FOR_WEB_TEMPLATE",
        "WEB_PERMISSIONS",
        "TESTS",
        "NOTES",
    ]
    assert json.loads(SECTIONS["INFO"])["type"] == "TAG"


def test_it_may_load_our_script_over_https_and_do_nothing_else() -> None:
    (permission,) = json.loads(SECTIONS["WEB_PERMISSIONS"])
    assert permission["instance"]["key"]["publicId"] == "inject_script"
    (urls,) = permission["instance"]["param"]
    assert [each["string"] for each in urls["value"]["listItem"]] == ["https://*/widget.js*"]
    assert set(re.findall(r"require\('(\w+)'\)", CODE)) == {"encodeUriComponent", "injectScript"}
    assert re.findall(OUTSIDE, CODE) == []


def test_the_code_reads_the_fields_that_are_asked_for_and_all_of_them() -> None:
    fields = {each["name"] for each in json.loads(SECTIONS["TEMPLATE_PARAMETERS"])}
    assert set(re.findall(r"\bdata\.(\w+)", CODE)) - {"gtmOnSuccess", "gtmOnFailure"} == fields


@pytest.mark.parametrize(
    ("field", "good", "bad"),
    [
        ("address", "https://chat.example.com:8443/", "http://chat.example.com"),
        ("address", "https://chat.example.com", "https://chat.example.com/x#y"),
        ("entryPoint", "sales-2", "Sales"),
    ],
)
def test_a_field_takes_what_the_server_takes(field: str, good: str, bad: str) -> None:
    described: list[dict[str, Any]] = json.loads(SECTIONS["TEMPLATE_PARAMETERS"])
    (found,) = [each for each in described if each["name"] == field]
    (pattern,) = [each["args"][0] for each in found["valueValidators"] if each["type"] == "REGEX"]
    assert re.search(pattern, good)
    assert not re.search(pattern, bad)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda each: each["name"])
def test_its_own_tests_pass(scenario: dict[str, str]) -> None:
    node = shutil.which("node") or shutil.which("nodejs")
    assert node is not None, "node was not found; install it (Debian: apt-get install nodejs)"
    done = subprocess.run(
        [node, "-e", HARNESS], input=json.dumps([CODE, scenario["code"]]), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
