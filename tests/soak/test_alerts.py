"""Kills with -9 while surveys raise alerts and the mail server is dead half of the time: no alert of a survey that
was thanked for is lost, and no survey waits for the mail server.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from statistics import median

import pytest

from tests.fleet_processes import stand_in_for_ece
from tests.mail_server import MailHost, body, mail_host_beside
from tests.ports import free_port
from tests.soak.killed_servers import SECRET, Visitors, drain, ids_of, serving, settings_file
from widget.domain.outbox import MessageState, RowKind
from widget.store.command_outbox import command_outbox
from widget.store.operating import Selection
from widget.tokens import Tokens

pytestmark = pytest.mark.soak

KILLS = int(os.environ.get("SOAK_KILLS", "200"))
SEED = int(os.environ.get("SOAK_SEED", "20261129"))
TOKENS = Tokens([SECRET], lambda: datetime.now(UTC))
WAITING = (MessageState.PENDING, MessageState.LEASED)
SURVEY = """
[surveys.after_chat]
title = "How did we do?"
[[surveys.after_chat.questions]]
id = "helpful"
kind = "rating"
text = "How helpful was the agent?"
[[surveys.after_chat.questions]]
id = "comment"
kind = "text"
text = "What could we do better?"
[surveys.after_chat.alert_if]
question = "helpful"
answers = ["1", "2"]
to = "smtp"
"""


def survey_form(text: str) -> tuple[str, dict[str, str]]:
    token = TOKENS.sign_survey(f"sid_{text}", "sales", "after_chat", datetime.now(UTC) + timedelta(hours=1))
    return f"/survey/{token}", {"helpful": "1", "comment": text}


def texts_of(host: MailHost) -> Counter[str]:
    return Counter(body(mail).rpartition("What could we do better?:\n")[2].split("\n")[0] for mail in host.mails)


def test_no_alert_is_lost_to_kills_and_a_dead_mail_server_and_no_survey_waits_for_it(url: str, tmp_path: Path) -> None:
    random, port, thanked, drops = Random(SEED), free_port(), list[str](), 0
    seconds: dict[bool, list[float]] = {False: [], True: []}
    with stand_in_for_ece(tmp_path).serving() as ece_port, mail_host_beside() as host:
        file = settings_file(tmp_path, url, host, port, ece_port=ece_port, more=SURVEY)
        for number in range(KILLS):
            host.dead = random.random() < 0.5
            host.drops_after_content = 0 if host.dead else random.choice((0, 0, 1, 2))
            drops += host.drops_after_content
            with serving(file, port), Visitors(port, f"k{number}", survey_form) as visitors:
                visitors.wait_for(1)
                time.sleep(random.uniform(0.0, 0.5))
            thanked += visitors.thanked
            seconds[host.dead] += visitors.seconds
        host.dead, host.drops_after_content = True, 0
        with serving(file, port):
            with Visitors(port, "last", survey_form) as visitors:
                visitors.wait_for(50)
            thanked += visitors.thanked
            drain(url, Selection(states=WAITING, kinds=(RowKind.SURVEY,)))
            with command_outbox(url) as store:
                held = store.number_of(Selection(states=WAITING, kinds=(RowKind.ALERT,)))
            host.dead = False
            drain(url, Selection(states=WAITING))
        arrived, ids = texts_of(host), ids_of(host)
    with command_outbox(url) as store:
        delivered = store.number_of(Selection(states=(MessageState.DELIVERED,), kinds=(RowKind.SURVEY,)))
    lost = set(thanked) - arrived.keys()
    again = sum(times - 1 for times in arrived.values())
    dead, alive = (1000 * median(seconds[each]) for each in (True, False))
    print(
        f"\n{url.split(':')[0]}: {KILLS} kills, seed {SEED}: {len(thanked)} thanked, {delivered} surveys delivered,"
        f" {len(lost)} alerts lost, {len(arrived)} arrived, {again} of them again ({drops} answers lost on purpose);"
        f" all surveys arrived while {held} alerts waited; thanks after {dead:.1f} ms with a dead mail server,"
        f" {alive:.1f} ms with one"
    )
    assert not lost
    assert delivered >= len(thanked)
    assert held >= len(visitors.thanked), "the alerts waited, the surveys did not"
    assert len(ids) == len(arrived), "each repeat has the Message-ID of the first"
    assert again <= drops + KILLS * 2, "no more than were on their way when something died"
    assert dead <= 1.25 * alive, "a dead mail server holds no thanks up"
