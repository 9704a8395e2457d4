"""Dead letters without a person.

Kafka removes records only from the front of a partition. So where somebody's letters are, the others are written again
behind them, and all before is cut off. A crash between both leaves letters twice, which count once for every reader.
"""

import contextlib
from dataclasses import dataclass

from connectors.batching import Place
from connectors.erasing.progress import Progress
from connectors.log_scan import LogScan, whole
from sluice.acknowledged import AcknowledgedWriter, Record
from sluice.codec import Codec
from sluice.dead_letters import Origin
from sluice.errors import Rejected, Unavailable
from sluice.events import DeadLetter
from sluice.kafka_admin import KafkaAdmin
from sluice.letter_box import take_out
from sluice.sealing import CannotOpen
from sluice.topics import DEAD_LETTER_SUFFIX, catalogue


@dataclass(frozen=True, slots=True)
class Letters:
    """The dead-letter topics, with the key that opens letters."""

    scan: LogScan
    admin: KafkaAdmin
    writer: AcknowledgedWriter
    codec: Codec
    private_key: bytes

    def remove(self, user_id: str, progress: Progress) -> None:
        """Letters whose record names the person or a session of theirs. Raises Unavailable or OSError."""
        names = [name.encode() for name in (user_id, *progress.sessions)]
        window = whole(self.scan, [name for name in catalogue() if name.endswith(DEAD_LETTER_SUFFIX)])
        held: dict[Place, list[Origin]] = {place: [] for place in window}
        theirs: dict[Place, list[Origin]] = {place: [] for place in window}
        for record in self.scan.records(window):
            place = Place(record.topic, record.partition)
            (theirs if self._names(record, names) else held)[place].append(record)
        progress.begin(
            "letters", {f"{place.topic}/{place.partition}": len(own) for place, own in theirs.items() if own}
        )
        for place, letters in theirs.items():
            if letters:
                self._write_again(held[place])
                self.admin.cut(*place, window[place].end)
        progress.end("letters")

    def _names(self, record: Origin, names: list[bytes]) -> bool:
        """Whatever the record was, malformed ones too: the bytes are searched."""
        with contextlib.suppress(Rejected, CannotOpen):
            letter = self.codec.decode(record.value)
            if isinstance(letter, DeadLetter):
                sealed = [part for part in (letter.key, letter.value) if part is not None]
                return any(name in take_out(self.private_key, part) for part in sealed for name in names)
        return False

    def _write_again(self, records: list[Origin]) -> None:
        again = [
            Record(str(number), one.topic, one.partition, one.key, one.value, one.headers)
            for number, one in enumerate(records)
        ]
        if len(self.writer.write(again)) < len(again):
            raise Unavailable("Kafka did not acknowledge the dead letters of others. Nothing was removed yet.")
