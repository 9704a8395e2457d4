"""What Connect put away, on its way to the dead-letter topics.

Connect writes a record that did not convert as it was, in the clear, beside headers that tell its place. Here it
becomes a letter like any other: sealed, with a reason of the catalogue, shown and put back by `sluice dlq`. Both sinks
may put the same record away, and a crash may bring one twice: it is one letter all the same, by its place.
"""

import contextlib
from dataclasses import dataclass, replace
from typing import cast

from confluent_kafka import Consumer, KafkaError, KafkaException, Message

from connectors.connect.sinks import LETTERS_TOPIC
from connectors.rejections import DeadLetterOffice
from sluice.dead_letters import Origin
from sluice.errors import Rejected, RejectReason, Unavailable
from sluice.kafka_admin import KafkaAdmin
from sluice.kafka_records import origin_of
from sluice.topics import DEAD_LETTER_SUFFIX

GROUP = "connect"
"""Who rejected, in the letters; and the group that carries them."""
_CONTEXT = "__connect.errors."
_MOST_AT_ONCE = 200
_POLL_SECONDS = 0.5


def rejection(raw: Origin) -> tuple[Origin, Rejected] | None:
    """The record as it was in its topic, and why it did not convert. None where it does not come from Connect."""
    told = {str(name): value for name, value in raw.headers if isinstance(value, bytes)}
    with contextlib.suppress(KeyError, ValueError):
        origin = replace(
            raw,
            topic=told[f"{_CONTEXT}topic"].decode(),
            partition=int(told[f"{_CONTEXT}partition"]),
            offset=int(told[f"{_CONTEXT}offset"]),
            headers=[(name, value) for name, value in raw.headers if not name.startswith(_CONTEXT)],
        )
        reason, _, detail = told.get(f"{_CONTEXT}exception.message", b"").decode().partition(": ")
        if reason in list(RejectReason):
            return origin, Rejected(RejectReason(reason), detail)
        # not by our converter: its message may hold content
        return origin, Rejected(RejectReason.UNDECODABLE, told[f"{_CONTEXT}exception.class.name"].decode())
    return None


@dataclass(slots=True)
class RawLetters:
    """Reads Connect's topic, and empties it as soon as the letters are written."""

    consumer: Consumer
    office: DeadLetterOffice
    admin: KafkaAdmin

    def carry(self) -> int:
        """See watch.Letters."""
        carried, messages = 0, self.consumer.consume(_MOST_AT_ONCE, _POLL_SECONDS)
        for message in messages:
            _check(message)
            found = rejection(origin_of(message))
            if found is not None and not found[0].topic.endswith(DEAD_LETTER_SUFFIX):  # no letter about a letter
                self.office.put(*found)
                carried += 1
        if messages:
            self._settle(messages[-1])
        return carried

    def _settle(self, last: Message) -> None:
        self.office.settle()
        try:
            self.consumer.commit(message=last, asynchronous=False)
        except KafkaException as error:
            raise Unavailable(f"kafka: {cast(KafkaError, error.args[0]).name()}") from None
        self.admin.cut(LETTERS_TOPIC, int(last.partition() or 0), int(last.offset() or 0) + 1)


def _check(message: Message) -> None:
    error = message.error()
    if error is not None:
        raise Unavailable(f"kafka: {error.name()}")
