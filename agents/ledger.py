"""The bills of one pass of a turn: what each attempt used, and its row on the log."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from agents.account import NOTHING, Attempt, Cost, cost_of, ledger_row
from agents.failures import REACTIONS, FailureKind
from agents.means import Means
from agents.ports import Log, Prompt
from sluice.bots import Route
from sluice.events import PromptReady, Usage


@dataclass(slots=True)
class Ledger:
    """`rows` are those of this pass, in their order."""

    means: Means
    ready: PromptReady
    log: Log
    rows: list[tuple[Attempt, Cost]] = field(default_factory=list)

    async def bill(self, attempt: Attempt) -> tuple[Attempt, Cost]:
        """Write a row. Raises Unavailable."""
        row = attempt, cost_of(attempt.route, attempt.usage, self.means.prices)
        self.rows.append(row)
        await self.log.emit(ledger_row(self.ready, *row))
        return row

    async def usage(
        self,
        route: Route,
        prompt: Prompt,
        heard: Sequence[str],
        told: Usage | None,
        call_id: str | None,
        kind: FailureKind | None,
    ) -> Usage:
        """The provider's word first, in the stream or asked for; then what the failure says; then our own count."""
        if told is not None:
            return told
        billed = REACTIONS[kind].billed if kind is not None and not heard else "counted"
        if billed == "nothing":
            return NOTHING
        asked = await self.means.model.billed(route, prompt.attempt_id, call_id)
        if asked is not None:
            return asked
        if billed == "unknown":
            return Usage(prompt_tokens=0, completion_tokens=0, estimated=True)
        return self.means.model.count(route, prompt, "".join(heard))
