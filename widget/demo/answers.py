"""Two weeks of answered surveys for the demo: the longer the wait, the less people liked it, and some say why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from random import Random

from sqlalchemy import update

from widget.domain.answers import answers, check, chosen_of
from widget.domain.asked import versions_of
from widget.domain.history import Begun
from widget.domain.outbox import MessageState, OutboxMessage, QueueThen
from widget.domain.survey import Survey
from widget.store import accepting, counting
from widget.store.choose import choose_database
from widget.store.schema import outbox

DAYS = 14
REFUSED = 2  # of the last ones, for which ECE had an error: an operator sends them again in the console
SURVEYS_A_DAY = (120, 180)  # as the demo's history counts them
_PLACES = ("sales", "sales", "sales", "support", "support", "advice", "clearance")
# By rating, each with the language of the page; most people write nothing.
_COMMENTS: dict[str, Sequence[tuple[str, str]]] = {
    "1": (
        ("en", "Twelve minutes in the queue, and then the chat was closed in front of me."),
        ("de", "Zweimal dieselbe Frage gestellt, zweimal dieselbe Vorlage bekommen."),
        ("en", "I still do not know which chain fits my bike."),
    ),
    "2": (
        ("en", "Friendly, but he had to ask somebody else three times."),
        ("de", "Zu lange gewartet, die Antwort war dann kurz."),
        ("en", "The link to the spare part leads to an empty page."),
    ),
    "3": (
        ("en", "Fine in the end. Opening hours on the page would have saved me the chat."),
        ("de", "War in Ordnung. Am Samstag wäre mir lieber gewesen."),
    ),
    "4": (
        ("en", "Quick. A photo of the lever would have made it quicker."),
        ("de", "Gute Beratung, nur die Rücksendung blieb unklar."),
        ("en", "Could you keep the size chart open beside the chat?"),
    ),
    "5": (
        ("en", "She found the right bearing from my description alone. Thank you!"),
        ("de", "Endlich jemand, der sich mit Nabenschaltungen auskennt."),
        ("en", "Nothing. Four minutes and my order was changed."),
        ("ar", "خدمة ممتازة وسريعة، شكرًا لكم."),
    ),
}
_LANGUAGES = ("en", "en", "en", "de", "de", "ar")


def seed_answers(url: str, survey: Survey, *, now: datetime) -> None:
    """Fill the outbox at `url`, which is there, with answered surveys that ECE took; in one transaction."""
    database = choose_database(url)
    given = list(_given(survey, now))
    finished = Counter((at.date(), survey.name, message.entry_point, message.language) for message, at in given)
    with database.connect() as connection, connection.begin():
        accepting.enqueue(connection, [(message, None, at) for message, at in given])
        counting.count_begun(connection, [Begun(*about, round(1.4 * number)) for about, number in finished.items()])
        delivered = {"state": MessageState.DELIVERED.value, "attempts": 1, "settled_at": outbox.c.accepted_at}
        connection.execute(update(outbox).values(delivered))
        dead = {"state": MessageState.DEAD.value, "reason": "ece_status 500", "attempts": 12}
        refused = sorted(given, key=lambda each: each[1])[-REFUSED:]
        connection.execute(update(outbox).where(outbox.c.key.in_([each.key for each, _ in refused])).values(dead))
    database.dispose()


def _given(survey: Survey, now: datetime) -> Iterator[tuple[OutboxMessage, datetime]]:
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    versions = versions_of(survey)
    for days_ago in range(DAYS, 0, -1):
        day = today - timedelta(days=days_ago)
        chance = Random(f"answers {day.date()}")  # noqa: S311 - no secret, and the same each time
        for number in range(0 if day.weekday() == 6 else chance.randrange(*SURVEYS_A_DAY)):
            at = day + timedelta(minutes=chance.randrange(8 * 60, 18 * 60), seconds=chance.randrange(60))
            wait = int(chance.expovariate(1 / 150)) // 5 * 5
            fields, language = _filled(chance, wait)
            checked = check(survey, fields)
            yield (
                OutboxMessage(
                    key=f"demo-{at:%Y%m%d%H%M%S}-{number:03}",  # rows get their numbers in this order
                    sid=f"demo_{day:%Y%m%d}_{number}",
                    entry_point=chance.choice(_PLACES),
                    survey=survey.name,
                    answers=answers(survey, checked, versions),
                    chosen=chosen_of(survey, checked, versions),
                    language=language,
                    queue=QueueThen(wait, wait // 60),
                ),
                at,
            )


def _filled(chance: Random, wait: int) -> tuple[dict[str, list[str]], str]:
    """Return the fields of a form, and the language in which it was read."""
    mood = min(5, max(1, round(chance.gauss(4.6 - wait / 200, 0.8))))
    solved = "yes" if chance.random() < 0.25 + 0.15 * mood else "no"
    fields = {"helpful": [str(mood)], "solved": [solved]}
    if mood <= 3 and chance.random() < 0.7:
        fields["missing"] = ["time"] if wait > 240 else [chance.choice(["answer", "tone", "answer"])]
    if solved == "no" and chance.random() < 0.8:
        fields["next"] = [chance.choice(["mail", "mail", "call", "nothing"])]
    if chance.random() < 0.75:
        fields["recommend"] = [str(min(10, max(0, round(chance.gauss(2.1 * mood - 0.6, 1.2)))))]
    language = chance.choice(_LANGUAGES)
    if chance.random() < 0.12:
        language, comment = chance.choice(_COMMENTS[str(mood)])
        fields["comment"] = [comment]
    return fields, language
