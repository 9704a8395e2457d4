"""A thousand personal values go in by every door and in every state; no byte of them is outside of sealed fields."""

import asyncio
import contextlib
import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, get_args
from uuid import uuid4

import duckdb
import httpx
import msgspec
import pyarrow.parquet as pq
from websockets.asyncio.client import connect

from connectors.log_scan import LogScan, whole
from sluice import wiring
from sluice.acknowledged import AcknowledgedWriter, Record
from sluice.cli.chat import development_token
from sluice.clock import utc_now
from sluice.events import ChatRequested
from sluice.ids import new_id
from sluice.settings import ProcessName
from sluice.topics import catalogue
from tests.e2e.canaries import Canary, canary
from tests.e2e.conftest import Platform
from tests.landed import at_rest
from tests.samples import SAMPLES
from tests.waiting import until

ALL = [canary(number) for number in range(72)]
DOORS = {"rest": 24, "openai": 12, "feedback": 6, "malformed": 18, "stages": 9, "socket": 3}


def shared() -> dict[str, list[Canary]]:
    """Each door's own."""
    left, given = iter(ALL), {}
    for door, count in DOORS.items():
        given[door] = [next(left) for _ in range(count)]
    return given


class Doors:
    """Every way in."""

    def __init__(self, platform: Platform) -> None:
        self.platform, self.settings = platform, platform.settings
        self.token = development_token(self.settings)
        self.http = httpx.Client(
            base_url=self.settings.gateway_url, headers={"Authorization": f"Bearer {self.token}"}, timeout=60
        )
        self.turns: list[str] = []

    def rest(self, canaries: list[Canary]) -> None:
        for number, one in enumerate(canaries):
            bot = ("assistant", "storyteller", "shaky")[number % 3]
            answer = self.http.post(f"/v1/sessions/{uuid4()}/messages", json={"text": one.text, "bot": bot})
            assert answer.status_code == 202
            self.turns.append(answer.json()["turn_id"])
            if bot == "storyteller":
                self.http.post(f"/v1/turns/{self.turns[-1]}/stop")

    def feedback(self, canaries: list[Canary]) -> None:
        for turn, one in zip(self.turns, canaries, strict=False):
            said = self.http.post(f"/v1/turns/{turn}/feedback", json={"rating": "up", "comment": one.text})
            assert said.status_code == 202

    def openai(self, canaries: list[Canary]) -> None:
        def ask(system: Canary, user: Canary, last: Canary) -> None:
            messages = [
                {"role": "system", "content": system.text},
                {"role": "user", "content": user.text},
                {"role": "assistant", "content": f"Hello {user.values['PERSON']}"},
                {"role": "user", "content": last.text},
            ]
            body = {"model": "assistant", "messages": messages, "stop": [last.values["EMAIL"]], "max_tokens": 20}
            answer = self.http.post("/openai/v1/chat/completions", json=body)
            assert answer.status_code == 200, answer.text

        with ThreadPoolExecutor(4) as threads:
            list(threads.map(ask, canaries[::3], canaries[1::3], canaries[2::3]))

    def malformed(self, canaries: list[Canary]) -> None:
        here = f"/v1/sessions/{uuid4()}/messages"
        refused = [
            lambda text: self.http.post(here, content=text),
            lambda text: self.http.post(here, content=json.dumps({"text": text, "bot": "assistant", text[:90]: 1})),
            lambda text: self.http.post(here, json={"text": text * 30, "bot": "assistant"}),
            lambda text: self.http.post(here, json={"text": text + "\x1b", "bot": "assistant"}),
            lambda text: self.http.post(here, json={"text": text, "bot": text[:60]}),
            lambda text: self.http.post("/v1/sessions/x/messages", content=text.encode() + b"\xff"),
            lambda text: self.http.post(f"/v1/sessions/{text.split()[-1][:40]}/messages", json={"text": text}),
            lambda text: self.http.get("/v1/sessions", headers={"Authorization": f"Bearer {text.split()[-1]}"}),
            lambda text: self.http.post("/openai/v1/chat/completions", json={"model": text, "messages": [text]}),
            lambda text: self.http.post(here, json={"text": text}, headers={"Idempotency-Key": text.split()[-1]}),
            lambda text: self.http.get("/v1/sessions", params={"cursor": text, "limit": text}),
            lambda text: self.http.get(f"/openai/v1/models/{text.split()[-1]}"),
        ]
        for number, one in enumerate(canaries):
            assert 400 <= refused[number % len(refused)](one.text).status_code < 500, number

    def socket(self, canaries: list[Canary]) -> None:
        async def talk() -> None:
            url = self.settings.gateway_url.replace("http", "ws") + "/v1/ws"
            header = {"Authorization": f"Bearer {self.token}"}
            async with connect(url, subprotocols=["sluice.v1"], additional_headers=header) as socket:  # type: ignore[list-item]
                await socket.recv()
                for one in canaries:
                    await socket.send(one.text)
                    await socket.send(json.dumps({"type": one.text}))
                    await socket.send(json.dumps({"type": "message.send", "text": one.text, "bot": 5}))
                for _ in range(3 * len(canaries)):
                    assert json.loads(await socket.recv())["type"] == "error"

        asyncio.run(talk())

    def stages(self, canaries: list[Canary]) -> None:
        """Records that enrich refuses, that redact cannot open, and that nobody can read."""
        codec, sealer = wiring.codec(self.settings), wiring.sealer(self.settings)
        sample = SAMPLES["ChatRequested"]
        assert isinstance(sample, ChatRequested)
        records = []
        for number, one in enumerate(canaries):
            field = "ChatRequested.text" if number % 3 else "Another.field"
            request = msgspec.structs.replace(
                sample,
                event_id=new_id(),
                turn_id=new_id(),
                session_id=f"canary-{number}",
                occurred_at=utc_now(),
                user_id="usr_canary",
                bot="assistant" if number % 3 != 1 else "nobody",
                text=sealer.seal(one.text, subject="usr_canary", field=field),
                context=None,
            )
            value = codec.encode(request)
            cut = value[: len(value) // 2] if number % 3 == 2 else value
            records.append(Record(str(number), "chat-requests", 0, request.session_id.encode(), cut, []))
        assert len(AcknowledgedWriter(self.settings.bootstrap_servers, "canaries").write(records)) == len(records)

    def all_ended(self) -> bool:
        shown = [self.http.get(f"/v1/turns/{turn}").json()["state"] for turn in self.turns]
        return not {"accepted", "running", "answering"} & set(shown)


def places(platform: Platform) -> Iterator[tuple[str, bytes]]:
    """Everything that the platform has written, named."""
    settings = platform.settings
    for folder in (settings.logs_dir, settings.state_dir, settings.home / "kafka"):
        for path in folder.rglob("*"):
            if path.is_file() and path.suffix not in (".index", ".timeindex"):
                with contextlib.suppress(FileNotFoundError):  # it has gone meanwhile
                    yield str(path), path.read_bytes()
    scan = LogScan(settings.bootstrap_servers)
    for record in scan.records(whole(scan, catalogue())):
        yield (
            f"{record.topic}/{record.partition}@{record.offset}",
            b"%r %r %r"
            % (
                record.key,
                record.value,
                record.headers,
            ),
        )
    with at_rest(settings.landing_dir):
        for path in settings.landing_dir.rglob("*.parquet"):
            yield str(path), repr(pq.read_table(path).to_pylist()).encode()
    with duckdb.connect(str(settings.warehouse_path), read_only=True) as db:
        for schema, table in db.execute("select table_schema, table_name from information_schema.tables").fetchall():
            rows = db.execute(f'select * from "{schema}"."{table}"').fetchall()
            yield f"{schema}.{table}", repr(rows).encode()
    for process in get_args(ProcessName):
        if process not in ("provider", "warehouse", "mirror", "bigquery"):
            metrics = httpx.get(f"http://127.0.0.1:{settings.metrics_port(process)}/metrics")
            yield f"metrics of {process}", metrics.content
    yield "the provider's log of calls", httpx.get(f"{settings.provider_url.removesuffix('/v1')}/meter").content


def letters_only(content: bytes) -> bytes:
    """What an escape or a cut may have put between."""
    return re.sub(rb"[^\w@.:/+!-]+", b" ", content)


def test_no_value_is_anywhere(platform: Platform):
    values = {f"{kind} {number}": v for number, one in enumerate(ALL) for kind, v in one.values.items()}
    assert len({*values.values()}) == len(values) >= 1000
    doors = Doors(platform)
    with doors.http:
        for door, canaries in shared().items():
            getattr(doors, door)(canaries)
        assert until(doors.all_ended)
    built = platform.run("warehouse", timeout=200)
    assert built.returncode in (0, 1), built.stderr
    found: dict[str, Any] = {}
    seen = 0
    for place, content in places(platform):
        seen += 1
        blob = content + b" " + letters_only(content)
        for name, value in values.items():
            if value.encode() in blob:
                found.setdefault(name, []).append(place)
    assert seen > 500
    assert found == {}
