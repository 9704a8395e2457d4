"""What must hold before a worker joins its group: it says what is wrong instead of answering half the sessions."""

from collections.abc import Iterable
from pathlib import Path

from sluice.durable_files import write_durably
from sluice.errors import ConfigurationError
from sluice.kafka_admin import KafkaAdmin
from sluice.topics import catalogue

_MARK = "cluster-id"


def check_partitions(admin: KafkaAdmin, sources: Iterable[str]) -> None:
    """A session must live in the same partition of every chat topic.

    Raises ConfigurationError naming the topics whose partition counts differ from the catalogue's.
    """
    wanted = catalogue()["chat-requests"].partitions
    chat = [name for name, topic in catalogue().items() if topic.key == "session_id"]
    found = admin.partitions()
    wrong = [f"{name} has {found[name]}" for name in [*chat, *sources] if name in found and found[name] != wanted]
    if wrong:
        raise ConfigurationError(
            f"These topics must have {wanted} partitions, as avro/topics.yaml says: {', '.join(dict.fromkeys(wrong))}. "
            "`sluice topics apply` makes missing topics and changes none. Where the cluster's topics agree with each "
            "other, set `chat_partitions` to their count. Else stop all processes, delete the topics named, with "
            "their records, and run `sluice topics apply`; or use a fresh cluster."
        )


def check_state(folder: Path, cluster_id: str) -> None:
    """The state folder must be writable, and of this cluster: offsets of another one would hide records.

    Raises ConfigurationError. A mark that holds only the beginning of this cluster's id is made whole.
    """
    mark = folder / _MARK
    try:
        folder.mkdir(parents=True, exist_ok=True)
        known = mark.read_text(errors="replace") if mark.exists() else ""
        if cluster_id.startswith(known):
            write_durably(mark, cluster_id.encode())
    except OSError as error:
        raise ConfigurationError(
            f"The state folder {folder} cannot be used ({error.strerror}). Make it writable or set SLUICE_HOME."
        ) from None
    if not cluster_id.startswith(known):
        raise ConfigurationError(
            f"The state folder {folder} belongs to cluster {known!r}, this one is {cluster_id!r}. "
            "Delete the folder (it is rebuilt from the log) or set SLUICE_HOME to another one."
        )
