"""Kills with -9 while visitors leave messages and the mail server dies again and again: none thanked for is lost."""

from __future__ import annotations

import os
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import pytest

from tests.mail_server import MailHost, body, mail_host_beside
from tests.ports import free_port
from tests.soak.killed_servers import SECRET, Visitors, drain, ids_of, serving, settings_file
from widget.application.messages import FORM_LIFETIME
from widget.domain.outbox import MessageState
from widget.store.operating import Selection
from widget.tokens import Tokens

pytestmark = pytest.mark.soak

KILLS = int(os.environ.get("SOAK_KILLS", "200"))
SEED = int(os.environ.get("SOAK_SEED", "20261124"))
TOKENS = Tokens([SECRET], lambda: datetime.now(UTC))
WAITING = Selection(states=(MessageState.PENDING, MessageState.LEASED))


def message_form(text: str) -> tuple[str, dict[str, str]]:
    expires = datetime.now(UTC) + FORM_LIFETIME * 0.9  # a form that was opened a while ago
    token = TOKENS.sign_message_form("sales", expires=expires)
    return "/message/sales", {"form": token, "email": "ada@example.com", "text": text}


def texts_of(host: MailHost) -> Counter[str]:
    return Counter(body(mail).rpartition("Message:\n")[2].split("\n")[0] for mail in host.mails)


def test_no_message_thanked_for_is_lost_to_kills_and_a_mail_server_that_dies(url: str, tmp_path: Path) -> None:
    random, port, thanked, drops = Random(SEED), free_port(), list[str](), 0
    with mail_host_beside() as host:
        file = settings_file(tmp_path, url, host, port, more="[messages]\nrequired = []")
        for number in range(KILLS):
            host.dead = random.random() < 0.5
            host.drops_after_content = random.choice((0, 0, 1, 2))
            drops += host.drops_after_content
            with serving(file, port), Visitors(port, f"k{number}", message_form) as visitors:
                visitors.wait_for(1)
                time.sleep(random.uniform(0.0, 0.5))
            thanked += visitors.thanked
        host.dead, host.drops_after_content = False, 0
        with serving(file, port):
            drain(url, WAITING)
        arrived = texts_of(host)
        ids = ids_of(host)
    lost = set(thanked) - arrived.keys()
    again = sum(times - 1 for times in arrived.values())
    print(
        f"\n{url.split(':')[0]}: {KILLS} kills, seed {SEED}: {len(thanked)} thanked, {len(lost)} lost,"
        f" {len(arrived)} arrived, {again} of them again ({drops} answers lost on purpose)"
    )
    assert not lost
    assert len(ids) == len(arrived), "each repeat has the Message-ID of the first"
    assert again <= drops + KILLS * 2, "no more than were on their way when something died"
