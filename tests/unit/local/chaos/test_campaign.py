"""Whatever fails in a campaign, what is known is kept, and what failed is named."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from local.chaos import campaign
from local.chaos.campaign import Campaign, Choices
from local.chaos.checker import check
from local.chaos.evidence import Committed, Seen
from local.chaos.layout import Layout

COMMITTED = Committed(1, "sluice-redact", "chat-enriched", 0, 1)
SEEN = Seen(1, "client-1", "user-1", 1, 1, "received", {"type": "pong"})


class BreaksOff(Campaign):
    """Without a platform; ends in the middle."""

    @asynccontextmanager
    async def _platform(self) -> AsyncIterator[None]:
        yield

    async def _breaking(self) -> None:
        self.evidence.seen.append(SEEN)
        raise RuntimeError("a bug")


def unreadable(*_args: Any) -> Any:
    raise TimeoutError("the brokers do not answer")


async def test_what_is_known_is_kept_and_what_failed_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(campaign, "read_meter", unreadable)
    monkeypatch.setattr(campaign, "read_topics", unreadable)
    monkeypatch.setattr(campaign, "read_facts", lambda _environment: {"build": {}})
    monkeypatch.setattr(campaign, "read_commits", lambda _settings: [COMMITTED])
    broken = BreaksOff(Layout(tmp_path, 0, "librdkafka"), Choices(1, 1, 1.0, 0), Console(quiet=True))
    await broken.run()
    assert broken.evidence.seen == [SEEN]
    assert broken.evidence.committed == [COMMITTED]
    assert broken.evidence.facts == {"build": {}}
    assert broken.evidence.problems == [
        "the campaign failed: RuntimeError('a bug')",
        "reading the meter failed: TimeoutError('the brokers do not answer')",
        "reading topics failed: TimeoutError('the brokers do not answer')",
    ]
    assert not check(broken.evidence).clean
