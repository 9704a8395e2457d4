"""What a run left behind, as plain rows that can be saved, read again and doctored. Times are epoch milliseconds."""

import json
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from local.chaos.conversation import Saying

JsonObject = dict[str, Any]
CONVERSATIONS = "sluice-enrich-conversations-changelog"
"""The topic that enrich's table is rebuilt from."""


@dataclass(frozen=True, slots=True)
class LogRecord:
    """One record of a topic. `at_ms` is the log's own time; `event` is `undecodable` where it is none of ours, and
    `ConversationKept` for a row of enrich's table, of which `finished` names the turns.
    """

    topic: str
    partition: int
    offset: int
    at_ms: int
    key: str
    event: str
    fields: JsonObject


@dataclass(frozen=True, slots=True)
class Seen:
    """A frame at a client. `way` is `sent`, `received`, or `fetched` for a turn read over REST."""

    at_ms: float
    client: str
    user_id: str
    connection: int
    gateway: int
    way: str
    frame: JsonObject


@dataclass(frozen=True, slots=True)
class Landed:
    """One row of the landing zone."""

    topic: str
    partition: int
    offset: int
    event_id: str


@dataclass(frozen=True, slots=True)
class Committed:
    """What a group committed, at the log's time of the commit."""

    at_ms: float
    group: str
    topic: str
    partition: int
    offset: int


@dataclass(frozen=True, slots=True)
class Backlog:
    """A partition at the end of the run. `committed` is None where the group never read it."""

    group: str
    topic: str
    partition: int
    committed: int | None
    begin: int
    end: int


@dataclass(frozen=True, slots=True)
class Injected:
    """A fault as it happened. `done` is false where nothing was hit; `error` says why it could not be carried out."""

    kind: str
    target: str
    begin_ms: float
    end_ms: float
    done: bool
    victim: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True)
class Ended:
    """A process ended. `status` is Popen's: negative for a signal."""

    name: str
    status: int
    at_ms: float


@dataclass(slots=True)
class Evidence:
    """All of a run. `meter` has the provider's calls as `GET /meter` gives them; `bots` says of each whether
    it `echoes` the question. `turns` and `planned` are what was to be:
    messages, and a kind for each fault. `facts` is what `sluice warehouse --json` says. `problems` are those of the
    campaign itself.
    """

    records: list[LogRecord] = field(default_factory=list)
    seen: list[Seen] = field(default_factory=list)
    asked: list[Saying] = field(default_factory=list)
    landed: list[Landed] = field(default_factory=list)
    committed: list[Committed] = field(default_factory=list)
    backlog: list[Backlog] = field(default_factory=list)
    faults: list[Injected] = field(default_factory=list)
    ended: list[Ended] = field(default_factory=list)
    meter: list[JsonObject] = field(default_factory=list)
    bots: dict[str, JsonObject] = field(default_factory=dict)
    landed_topics: list[str] = field(default_factory=list)
    planned: list[str] = field(default_factory=list)
    facts: JsonObject = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    turns: int = 0

    def save(self, folder: Path) -> None:
        """One file of JSON lines a kind; all else in `facts.json`."""
        folder.mkdir(parents=True, exist_ok=True)
        for name, kind in _ROWS.items():
            rows = getattr(self, name)
            with (folder / f"{name}.jsonl").open("w") as file:
                for row in rows:
                    file.write(json.dumps(row if kind is None else asdict(row), ensure_ascii=False) + "\n")
        facts = {one.name: getattr(self, one.name) for one in fields(self) if one.name not in _ROWS}
        (folder / "facts.json").write_text(json.dumps(facts))


_ROWS: dict[str, Any] = {
    "records": LogRecord,
    "seen": Seen,
    "asked": Saying,
    "landed": Landed,
    "committed": Committed,
    "backlog": Backlog,
    "faults": Injected,
    "ended": Ended,
    "meter": None,
}


def load(folder: Path) -> Evidence:
    """What `save` wrote. Raises ValueError where a part is missing or has other fields."""
    try:
        evidence = Evidence(**json.loads((folder / "facts.json").read_text()))
        for name, kind in _ROWS.items():
            rows = [json.loads(line) for line in (folder / f"{name}.jsonl").read_text().splitlines()]
            setattr(evidence, name, rows if kind is None else [kind(**row) for row in rows])
    except (FileNotFoundError, TypeError) as error:
        raise ValueError(f"{folder} holds no evidence that this version can read: {error}") from error
    return evidence


assert {f.name for f in fields(Evidence)} >= set(_ROWS)
