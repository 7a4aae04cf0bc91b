"""`[messages]`, `[smtp]`, `[webhooks.NAME]`, `alert_if`: each mistake in a sentence, and no secret in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from widget import settings

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
SMTP = {"url": "smtp://ada:hunter2@mail.example.com:587", "from": "chat@example.com", "to": ["office@example.com"]}
CRM = {"url": "https://crm.example.com/hook", "secret": SECRET}
SURVEY = {
    "title": "Q",
    "questions": [
        {"id": "helpful", "kind": "rating", "text": "?"},
        {"id": "words", "kind": "text", "text": "?"},
    ],
}


def faults(table: dict[str, Any], environ: dict[str, str] | None = None) -> dict[str, str]:
    with pytest.raises(settings.SettingsFaults) as refused:
        settings.parse(table, environ=environ or {})
    assert "hunter2" not in str(refused.value)
    assert SECRET not in str(refused.value)
    return {fault.key: str(fault) for fault in refused.value.faults}


def test_address_and_text_are_always_asked_and_always_required(table: dict[str, Any]) -> None:
    table |= {"messages": {"fields": ["phone"], "required": []}, "smtp": SMTP}
    messages = settings.parse(table).messages
    assert messages is not None
    form = messages.form()
    assert (form.fields, form.required) == (("phone", "email", "text"), frozenset({"email", "text"}))


@pytest.mark.parametrize(
    ("sections", "key", "said"),
    [
        ({"messages": {}}, "messages.to", "write a section [smtp]"),
        ({"messages": {"to": "webhooks.crm"}, "smtp": SMTP}, "messages.to", "[webhooks.crm]; there are smtp"),
        ({"messages": {"to": "fax"}, "smtp": SMTP}, "messages.to", '"smtp", or "webhooks.NAME"'),
        ({"messages": {"fields": ["text"], "required": ["phone"]}, "smtp": SMTP}, "messages.required", "is not asked"),
        (
            {"messages": {"consent_link": "https://x.example"}, "smtp": SMTP},
            "messages.consent_link",
            "messages.consent",
        ),
        ({"smtp": {**SMTP, "url": "mail.example.com"}}, "smtp.url", "a mail server as"),
        ({"smtp": {**SMTP, "from": "Chat <chat@example.com>"}}, "smtp.from", "without a name"),
        ({"smtp": {**SMTP, "to": []}}, "smtp.to", "at least one entry"),
        ({"smtp": {**SMTP, "to": ["a@example.com\r\nBcc: b@example.com"]}}, "smtp.to.0", "one e-mail address"),
        ({"webhooks": {"crm": {**CRM, "secret": "hunter2"}}}, "webhooks.crm.secret", "openssl rand"),
        ({"webhooks": {"crm": {**CRM, "url": "crm"}}}, "webhooks.crm.url", "http or https"),
        ({"webhooks": {"crm": {**CRM, "ca_file": "/nowhere.pem"}}}, "webhooks.crm.ca_file", "a file that is there"),
    ],
)
def test_a_mistake_is_one_sentence(table: dict[str, Any], sections: dict[str, Any], key: str, said: str) -> None:
    assert said in faults(table | sections)[key]


@pytest.mark.parametrize(
    ("alert", "key", "said"),
    [
        ({"question": "nobody", "answers": ["1"]}, "question", "the id of a question"),
        ({"question": "words", "answers": ["1"]}, "question", "a question that offers answers"),
        ({"question": "words", "answers": ["1"]}, "question", '"words" takes a text'),
        ({"question": "helpful", "answers": ["7"]}, "answers", "that the question offers (1, 2, 3, 4, 5)"),
        ({"question": "helpful", "answers": [3.0]}, "answers.0", "a text"),
        ({"question": "helpful", "answers": [["1"]]}, "answers.0", "a text"),
        ({"question": "helpful", "answers": ["1"], "to": "webhooks.none"}, "to", "is not set up"),
    ],
)
def test_an_alert_that_can_never_be_told_is_a_fault(
    table: dict[str, Any], alert: dict[str, Any], key: str, said: str
) -> None:
    table |= {"smtp": SMTP, "surveys": {"after_chat": {**SURVEY, "alert_if": alert}}}
    assert said in faults(table)[f"surveys.after_chat.alert_if.{key}"]


def test_secrets_come_from_files_and_variables(table: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "hook").write_text(f"{SECRET}\n")
    (tmp_path / "mail").write_text("smtps://ada:hunter2@mail.example.com\n")
    table["webhooks"] = {
        "crm": {"url": CRM["url"], "secret_file": str(tmp_path / "hook")},
        "other": {"url": CRM["url"]},
    }
    table["smtp"] = {"from": "chat@example.com", "to": ["office@example.com"], "url_file": str(tmp_path / "mail")}
    environ = {"ECE_WIDGET_WEBHOOKS__OTHER__SECRET_FILE": str(tmp_path / "hook")}
    found = settings.parse(table, environ=environ)
    assert {each.secret.get_secret_value() for each in found.webhooks.values()} == {SECRET}
    assert found.smtp is not None
    assert found.smtp.url.get_secret_value() == "smtps://ada:hunter2@mail.example.com"
    assert "hunter2" not in repr(found)


def test_a_secret_that_stands_twice_or_cannot_be_read_is_a_fault(table: dict[str, Any], tmp_path: Path) -> None:
    table["webhooks"] = {"crm": {**CRM, "secret_file": "x"}, "other": {"url": CRM["url"], "secret_file": "nowhere"}}
    found = faults(table)
    assert "keep one of them" in found["webhooks.crm.secret_file"]
    assert "can be read" in found["webhooks.other.secret_file"]
