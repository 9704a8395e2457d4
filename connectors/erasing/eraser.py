"""One person's erasure, step by step. Every step may be repeated: after a crash it begins again.

What a step is about to take is noted first (progress.py), so that the next attempt knows the person's sessions, and the
proof counts what all attempts took.

1. Turns that are being answered are ended. The gateways take no new message of the person since the request.
2. What was said until now is what goes. The stages finish what they have read of it, then they are told to forget.
3. The keys are destroyed: nobody can open what the log, its copies and backups still hold sealed.
4. Landed rows, dead letters and the warehouse are rewritten. A landed file that nobody can read is removed.
5. The audit log and an ErasureCompleted say so.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final, NamedTuple, Protocol

from connectors.catching_up import Patience, behind
from connectors.erasing.landed import Gone, rewrite, telling
from connectors.erasing.letters import Letters
from connectors.erasing.open_turns import OpenTurns, stop
from connectors.erasing.progress import Progress
from connectors.landing_zone import LandingZone
from connectors.log_scan import LogScan, whole
from sluice.acknowledged import AcknowledgedWriter, Record
from sluice.audit import Mark
from sluice.catalogue_file import TopicName
from sluice.clock import Clock
from sluice.codec import Codec
from sluice.errors import Unavailable
from sluice.events import ErasureCompleted, ErasureRequested, Event, PersonErased, StateExpired
from sluice.ids import derived_event_id
from sluice.kafka_admin import KafkaAdmin
from sluice.key_store import DatabaseKeyStore
from sluice.topics import catalogue, topic_of
from sluice.tracing import child_of

STAGES: Mapping[str, tuple[str, ...]] = {
    "sluice-enrich": ("chat-requests", "chat-turns"),
    "sluice-redact": ("chat-enriched",),
}
"""Consumer groups with state of people, and what they make it from."""
ORDERS: Final[TopicName] = "housekeeping"
_LONGEST_TURN = timedelta(minutes=12)
_SETTLING_SECONDS = 1.0
_LOOK_SECONDS = 0.3

Say = Callable[[str], None]


class Rebuild(Protocol):
    """Makes the warehouse anew from what has landed; nothing where there is none. Raises Unavailable."""

    def __call__(self) -> None:
        """Returns when the new one is in its place."""
        ...


@dataclass(frozen=True, slots=True)
class Eraser:
    """The tools. Raises Unavailable where one does not answer: try the whole again."""

    scan: LogScan
    admin: KafkaAdmin
    writer: AcknowledgedWriter
    codec: Codec
    keys: DatabaseKeyStore
    zone: LandingZone
    letters: Letters
    rebuild: Rebuild
    mark: Callable[[Mark], object]
    gone: Gone
    notes: Path
    """A folder for what is known of erasures under way."""
    clock: Clock
    patience: Patience
    stop_seconds: float = 20.0

    def erase(self, request: ErasureRequested, say: Say) -> ErasureCompleted:
        """Everything of one person."""
        progress = Progress(self.notes, request.event_id)
        say("ending running turns")
        self._end_turns(request.user_id, progress)
        until = self.clock()
        say("stages forget")
        self._wait_for(STAGES, "what was said before")
        self.tell_stages(
            PersonErased(
                event_id=derived_event_id(request.event_id, "erased"),
                occurred_at=until,
                traceparent=child_of(request.traceparent),
                user_id=request.user_id,
                erased_at=until,
            )
        )
        self._wait_for(dict.fromkeys(STAGES, (ORDERS,)), "the order to forget")
        say("keys")
        progress.begin("keys", {"keys": self.keys.count_of(request.user_id)})
        self.keys.destroy(request.user_id)
        progress.end("keys")
        say("landed rows")
        self.zone.erased.add(request.user_id, until)
        rewrite(self.zone, telling(), request.user_id, until, progress, self.gone)
        say("dead letters")
        self.letters.remove(request.user_id, progress)
        say("warehouse")
        self.rebuild()
        say("proof")
        completed = ErasureCompleted(
            event_id=derived_event_id(request.event_id, "completed"),
            occurred_at=self.clock(),
            traceparent=child_of(request.traceparent),
            user_id=request.user_id,
            request_id=request.event_id,
            erased_at=until,
            turns_stopped=progress.count("turns"),
            keys=progress.count("keys"),
            letters=progress.count("letters"),
            rows=progress.count("rows"),
        )
        done = f"{completed.keys} keys, {completed.rows} rows, {completed.letters} letters"
        done += f", {completed.turns_stopped} turns ended"
        if removed := progress.count("files"):
            done += f", {removed} damaged files removed"
        self.mark(Mark(request.requested_by, "data.erase", "allowed", done, request.user_id))
        self._write([_Addressed(completed, request.user_id.encode(), 0)])
        progress.forget()
        return completed

    def forget(self, request: ErasureRequested) -> None:
        """What was noted of one that was carried out."""
        Progress(self.notes, request.event_id).forget()

    def erase_again(self, completed: ErasureCompleted) -> None:
        """Of what was restored from a backup, what had been erased since. The log needs nothing of it."""
        self.keys.destroy_older(completed.user_id, completed.erased_at)
        self.zone.erased.add(completed.user_id, completed.erased_at)
        progress = Progress(self.notes, completed.request_id)
        rewrite(self.zone, telling(), completed.user_id, completed.erased_at, progress, self.gone)
        progress.forget()

    def tell_stages(self, order: PersonErased | StateExpired) -> None:
        """One copy for each partition of the chat topics, because each partition's state is elsewhere."""
        self._write([_Addressed(order, None, number) for number in range(catalogue()[ORDERS].partitions)])

    def _end_turns(self, user_id: str, progress: Progress) -> None:
        """Until the log has the end of each. One that has none after a while was put away and will get none."""
        turns = OpenTurns(self.scan, self.codec, user_id, self.clock() - _LONGEST_TURN)
        self.patience.sleep(_SETTLING_SECONDS)  # so that gateways know of the request
        told: set[str] = set()
        give_up_at = self.patience.monotonic() + self.stop_seconds
        while (running := turns.look()) and self.patience.monotonic() < give_up_at:
            new = {turn: session for turn, session in running.items() if turn not in told}
            progress.begin("turns", dict.fromkeys(new, 1), new.values())
            stop(new, user_id, self.writer, self.codec, self.clock())
            told |= new.keys()
            self.patience.sleep(_LOOK_SECONDS)
        if told:
            self.patience.sleep(_SETTLING_SECONDS)  # for the telemetry of their ends
        progress.begin("turns", {}, turns.sessions.values())

    def _wait_for(self, groups: Mapping[str, tuple[str, ...]], what: str) -> None:
        """Until each group has read and finished what its topics hold now."""
        windows = {group: whole(self.scan, topics) for group, topics in groups.items()}
        least, since = None, self.patience.monotonic()
        while left := sum(behind(window, self.admin.committed(group)) for group, window in windows.items()):
            if least is None or left < least:
                least, since = left, self.patience.monotonic()
            elif self.patience.monotonic() - since > self.patience.still_seconds:
                raise Unavailable(
                    f"The stages have not finished {what}: {left} records are left. See `make status` and their logs."
                )
            self.patience.sleep(_LOOK_SECONDS)

    def _write(self, records: list["_Addressed"]) -> None:
        out = [
            Record(str(number), topic_of(type(event).__name__), partition, key, self.codec.encode(event), [])
            for number, (event, key, partition) in enumerate(records)
        ]
        if len(self.writer.write(out)) < len(out):
            raise Unavailable("Kafka did not acknowledge a step of the erasure.")


class _Addressed(NamedTuple):
    event: Event
    key: bytes | None
    partition: int
