"""What the doctor says about each way in which ECE, or the settings for it, can be wrong."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from widget import settings
from widget.doctor import Diagnosis, Report, Severity, examine
from widget.domain.errors import (
    ANSWERED_IN_TLS,
    NOT_HTTP,
    EceBusy,
    EceError,
    EceGatewayDown,
    EceRedirect,
    EceRefused,
    EceReset,
    EceStatus,
    EceTimeout,
    EceTlsFailure,
    EceUnreadable,
)
from widget.domain.evaluation import State
from widget.domain.readings import (
    AgentAvailability,
    Call,
    Capacity,
    ChatAllowed,
    Eligibility,
    LiveSessionStatus,
    Reading,
    Reason,
)
from widget.ece import tls
from widget.ece.progress import Probe
from widget.ece.wire import Oddity

NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
HEALTHY: dict[Call, Reading] = {
    Call.CHAT_ALLOWED: ChatAllowed(True),
    Call.CHECK_ELIGIBILITY: Eligibility(None),
    Call.AGENT_AVAILABILITY: AgentAvailability(True),
    Call.CAPACITY: Capacity(4),
    Call.LIVE_SESSION_STATUS: LiveSessionStatus(3, 1),
}


@dataclass
class Ece:
    """An ECE that answers as told, and notes how many calls ran at once."""

    answers: dict[Call, Reading | EceError] = field(default_factory=lambda: {**HEALTHY})
    status: int | None = 200
    content_type: str = "text/xml"
    elapsed: float = 0.01
    oddities: frozenset[Oddity] = frozenset()
    running: int = 0
    most: int = 0

    async def probe(self, call: Call, entry_point_id: int) -> Probe:
        self.running += 1
        self.most = max(self.most, self.running)
        await asyncio.sleep(0)
        self.running -= 1
        answer = self.answers[call]
        failed = answer if isinstance(answer, EceError) else None
        return Probe(
            call,
            self.status,
            self.elapsed,
            self.content_type,
            None if isinstance(answer, EceError) else answer,
            failed,
            self.oddities,
        )


def report(table: dict[str, Any], ece: Ece) -> Report:
    return asyncio.run(examine(settings.parse(table), ece.probe, now=NOW))


def sales(table: dict[str, Any], **answers: Reading | EceError) -> Diagnosis:
    ece = Ece({**HEALTHY, **{Call[name.upper()]: answer for name, answer in answers.items()}})
    return report(table, ece).diagnoses[0]


def all_fail(table: dict[str, Any], error: EceError, **ece: Any) -> Report:
    return report(table, Ece(dict.fromkeys(Call, error), **ece))


def said(diagnosis: Diagnosis, severity: Severity = Severity.WRONG) -> str:
    return "\n".join(f"{f.what} / {f.change}" for f in diagnosis.findings if f.severity is severity)


def test_all_well_says_nothing(table: dict[str, Any]) -> None:
    found = report(table, Ece())
    assert found.all_well
    assert found.diagnoses[0].findings == ()
    assert found.diagnoses[0].decision.state is State.AVAILABLE
    assert [each.used for each in found.diagnoses[0].calls] == [True, False, False, False, True]


@pytest.mark.parametrize(
    ("error", "ece", "words"),
    [
        (EceTlsFailure(tls.UNKNOWN_ISSUER), {}, ["ca_file", "PEM"]),
        (EceTlsFailure("the certificate has expired"), {}, ["expired", "Renew", "intermediate"]),
        (EceTlsFailure("the certificate was not accepted: unsuitable purpose"), {}, ["another certificate on ECE's"]),
        (EceTlsFailure("the certificate is for another host name"), {}, ["host name", "base_url"]),
        (EceTlsFailure("what answers there does not speak TLS"), {}, ["scheme and port"]),
        (EceTlsFailure(tls.OURS_REFUSED), {}, ["client_cert"]),
        (EceTlsFailure("the handshake was refused: unrecognized name"), {}, ["unrecognized", "log", "`base_url`"]),
        (EceTlsFailure(tls.HUNG_UP), {}, ["hung up", "log", "`client_cert`"]),
        (EceTimeout("late"), {}, ["within 2 s", "`timeout`", "firewall"]),
        (EceRefused("no connection"), {}, ["no connection to ece.example.com", "host and port of `base_url`"]),
        (EceReset(f"{NOT_HTTP}: {ANSWERED_IN_TLS}"), {}, ["TLS", "https:// in `base_url`"]),
        (EceReset("broke"), {}, ["does not speak HTTP", "scheme and port"]),
        (EceGatewayDown("502", status=502), {}, ["502", "Start ECE's application server"]),
        (EceRedirect("302 to https://login.example.com", status=302), {}, ["login.example.com", "base_url"]),
        (EceUnreadable("not XML"), {"content_type": "text/html"}, ["HTML page where XML belongs", "login page"]),
        (EceUnreadable("the root element is wrong"), {}, ["cannot be understood: the root element is wrong"]),
        (EceStatus("404", status=404), {}, ["404 for /egain/chat/entrypoint", "context root", "api_path"]),
        (EceStatus("403", status=403), {}, ["may not call", "let this machine through"]),
        (EceStatus("400", status=400), {}, ["does not take this entry point's id"]),
        (EceStatus("500", status=500), {}, ["could not find this out", "`id`"]),
        (EceStatus("418", status=418), {}, ["418"]),
        (EceBusy("busy"), {}, ["max_connections"]),
        (EceError("something new"), {}, ["something new"]),
    ],
)
def test_each_failure_says_what_is_wrong_and_what_to_change(
    table: dict[str, Any], error: EceError, ece: dict[str, Any], words: list[str]
) -> None:
    found = all_fail(table, error, **ece)
    assert not found.all_well
    assert len(found.diagnoses[0].findings) == 1, "one cause is one finding"
    sentence = said(found.diagnoses[0])
    assert sentence.startswith("every call: ")
    for word in words:
        assert word in sentence


@pytest.mark.parametrize(
    "detail",
    [
        tls.OURS_REFUSED,
        tls.HUNG_UP,
        "the handshake was refused",
        "the certificate was not accepted: unsuitable purpose",
    ],
)
def test_an_authority_to_trust_is_the_advice_for_an_unknown_one_alone(table: dict[str, Any], detail: str) -> None:
    assert "ca_file" not in said(all_fail(table, EceTlsFailure(detail)).diagnoses[0])


@pytest.mark.parametrize(
    ("base_url", "words"),
    [
        ("https://ece.example.com", ["has no context root", 'base_url = "https://ece.example.com/system"']),
        ("https://ece.example.com/sytem", ["no ECE under /sytem", 'base_url = "https://ece.example.com/system"']),
    ],
)
def test_a_wrong_context_root_is_told_with_the_usual_one(
    table: dict[str, Any], base_url: str, words: list[str]
) -> None:
    table["ece"]["base_url"] = base_url
    sentence = said(all_fail(table, EceStatus("404", status=404)).diagnoses[0])
    assert all(word in sentence for word in words), sentence


def test_a_dead_proxy_is_blamed_before_ece(table: dict[str, Any]) -> None:
    table["ece"]["proxy"] = "http://user:hunter2@proxy.example.com:3128"
    sentence = said(all_fail(table, EceRefused("no connection")).diagnoses[0])
    assert "`proxy`" in sentence
    assert "hunter2" not in sentence


@pytest.mark.parametrize(
    ("reason", "word"),
    [
        (Reason.INVALID_ENTRY_POINT, "knows no entry point with this id"),
        (Reason.ENTRY_POINT_INACTIVE, "switched off in ECE"),
        (Reason.SERVICE_NOT_RUNNING, "chat services do not run"),
    ],
)
def test_what_ece_says_is_wrong_with_the_entry_point_is_wrong(table: dict[str, Any], reason: Reason, word: str) -> None:
    assert word in said(sales(table, chat_allowed=ChatAllowed(False, reason)))


@pytest.mark.parametrize("reason", [Reason.AGENT_NOT_AVAILABLE, Reason.QUEUE_DEPTH_REACHED])
def test_a_busy_hour_is_nothing_wrong(table: dict[str, Any], reason: Reason) -> None:
    found = sales(
        table,
        chat_allowed=ChatAllowed(False, reason),
        check_eligibility=Eligibility(reason),
        agent_availability=AgentAvailability(False),
        capacity=Capacity(0),
    )
    assert found.findings == ()
    assert found.decision.reason is reason


@pytest.mark.parametrize(
    "answers",
    [
        {"chat_allowed": ChatAllowed(False, Reason.AGENT_NOT_AVAILABLE)},
        {"check_eligibility": Eligibility(Reason.AGENT_NOT_AVAILABLE)},
        {"chat_allowed": ChatAllowed(False, Reason.AGENT_NOT_AVAILABLE), "capacity": Capacity(0)},
    ],
)
def test_availability_that_is_always_true_is_found(table: dict[str, Any], answers: dict[str, Reading]) -> None:
    assert '"not required"' in said(sales(table, **answers), Severity.NOTE)
    table["entry_points"]["sales"]["checks"] = ["agentAvailability"]
    assert '"not required"' in said(sales(table, **answers)), "it is wrong where the button relies on it"


def test_no_free_slot_beside_availability_is_a_note(table: dict[str, Any]) -> None:
    table["entry_points"]["sales"]["checks"] = ["agentAvailability"]
    found = sales(table, capacity=Capacity(0))
    assert "capacity is 0" in said(found, Severity.NOTE)
    assert not said(found)


def test_checks_that_contradict_each_other_are_named(table: dict[str, Any]) -> None:
    found = sales(table, check_eligibility=Eligibility(Reason.QUEUE_DEPTH_REACHED))
    assert "chatAllowed says yes, checkEligibility says queue_depth_reached" in said(found, Severity.NOTE)


def test_a_limit_without_its_number_is_wrong(table: dict[str, Any]) -> None:
    table["entry_points"]["sales"]["max_wait"] = "10m"
    found = sales(table, live_session_status=LiveSessionStatus(None, 3))
    assert "no usable waitTime, which max_wait needs" in said(found)
    assert found.decision.state is State.UNKNOWN


def test_a_failed_call_that_the_button_does_not_need_is_a_note(table: dict[str, Any]) -> None:
    found = sales(table, capacity=EceStatus("500", status=500), live_session_status=EceTimeout("late"))
    assert not said(found)
    assert "capacity (not needed for this button)" in said(found, Severity.NOTE)
    assert "liveSessionStatus (not needed for this button)" in said(found, Severity.NOTE)


def test_a_slow_ece_is_a_note_that_names_the_setting(table: dict[str, Any]) -> None:
    found = report(table, Ece(elapsed=1.5))
    assert found.all_well
    assert "`timeout`" in said(found.diagnoses[0], Severity.NOTE)


@pytest.mark.parametrize("oddity", ["unknown_reason", "unusable_number", "repaired"])
def test_an_odd_answer_is_a_note(table: dict[str, Any], oddity: str) -> None:
    found = report(table, Ece(oddities=frozenset({Oddity(oddity)})))
    assert found.all_well
    assert len(found.diagnoses[0].findings) == 1


def test_hours_that_are_closed_say_when_they_open(table: dict[str, Any]) -> None:
    table["entry_points"]["sales"]["hours"] = {"timezone": "Europe/Berlin", "tuesday": ["10:00-12:00"]}
    found = sales(table)
    assert "until 2026-11-24 10:00 (Europe/Berlin)" in said(found, Severity.NOTE)
    assert found.decision.reason is Reason.OUTSIDE_HOURS


def test_a_button_that_is_switched_off_is_a_note(table: dict[str, Any]) -> None:
    table["entry_points"]["sales"]["enabled"] = False
    assert "enabled = false" in said(sales(table), Severity.NOTE)
    assert all_fail(table, EceRefused("no connection")).all_well


def test_one_dead_host_is_one_sentence_for_all_entry_points(table: dict[str, Any]) -> None:
    for number in range(2, 40):
        table["entry_points"][f"e{number}"] = {"id": number, "chat_url": "https://ece.example.com/"}
    ece = Ece({call: EceRefused("no connection") for call in Call})
    found = report(table, ece)
    assert len(found.grouped()) == 1
    assert len(next(iter(found.grouped().values()))) == 39
    assert ece.most <= 20, "never more calls at once than connections"


def test_settings_and_theme_warnings_are_passed_on(table: dict[str, Any]) -> None:
    table["server"]["allowed_origins"] = ["*"]
    found = asyncio.run(examine(settings.parse(table), Ece().probe, now=NOW, warnings=["theme acme: outdated"]))
    assert found.all_well
    assert any("allowed_origins" in warning for warning in found.warnings)
    assert found.warnings[-1] == "theme acme: outdated"
