"""Composition root of the redact stage: `python -m streams.redact`. The only stage with keys."""

import asyncio
import sys
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from datetime import datetime
from functools import partial
from typing import Final

from agents.forgetting import Order
from agents.personal.policy import Policy
from agents.redact import Find, redact
from agents.timing import stage_timed
from sluice import wiring
from sluice.audit import Mark
from sluice.audit_log import Auditor
from sluice.clock import utc_now
from sluice.events import PersonErased, RequestEnriched, StateExpired
from sluice.ids import has_own_context
from sluice.logs import fact, get_logger
from sluice.paths import data_folder
from sluice.placeholders import SEALED_AS as MAP
from sluice.process import run_process
from sluice.safe_text import Sealed
from sluice.sealing import CannotOpen, KeyGone, Sealer
from streams.delivery import Delivery
from streams.finding.pool import FinderPool
from streams.memories import Memories
from streams.policies_in_force import policies_in_force
from streams.runner import Step
from streams.worker import make_worker

PRINCIPAL: Final = "redact"
_LAST_MARKS_SECONDS = 2.0
_SWITCH_SECONDS = 0.001
"""A thread at work lets the event loop have its turn after so long."""


def redact_step(
    policies: dict[str, Policy],
    sealer: Sealer,
    memories: Memories,
    find_spans: Find,
    threads: Executor,
    clock: Callable[[], datetime] = utc_now,
    note: Callable[[Mark], None] = lambda _mark: None,
) -> Step[RequestEnriched]:
    """Threads wait for the finder processes, the event loop never does. `note` leaves a mark in the audit log."""

    async def step(enriched: RequestEnriched, delivery: Delivery) -> None:
        remembers = not has_own_context(enriched.session_id)
        kept = memories.get(enriched.session_id) if remembers else None
        clear = partial(
            redact,
            enriched,
            policies,
            open_text=partial(_open, sealer, note),
            seal_map=lambda plain, subject: sealer.seal(plain, subject=subject, field=MAP),
            recall=lambda: memories.open(kept, enriched.user_id),
            entered_at=clock(),
            clock=clock,
            repeated=delivery.repeated,
            find_spans=find_spans,
        )
        prompt, memory = await asyncio.get_running_loop().run_in_executor(threads, clear)
        await delivery.emit(prompt)
        if memory is not None and remembers:
            memories.put(enriched.session_id, memory, enriched.user_id, prompt.occurred_at)
        await delivery.emit(stage_timed(prompt))

    return step


def _open(sealer: Sealer, note: Callable[[Mark], None], sealed: Sealed, subject: str, field: str) -> str:
    """Whose text cannot be opened had a key that was changed, or has none any more: somebody may have to look."""
    try:
        return sealer.open(sealed, subject=subject, field=field)
    except CannotOpen as error:
        reason = "missing" if isinstance(error, KeyGone) else "unusable"
        note(Mark(PRINCIPAL, "keys.use", "failed", reason, subject))
        get_logger().error("text cannot be opened", reason=fact(reason), person=fact(subject))
        raise


def main() -> None:
    """Wire and run."""
    worker = make_worker("redact")
    settings, metrics = worker.settings, worker.metrics
    audit_log = wiring.audit_log(settings, PRINCIPAL)
    known = settings.state_of(PRINCIPAL) / "policies.json"
    policies = policies_in_force(data_folder("deploy") / "redaction", known, PRINCIPAL, audit_log.append)
    sys.setswitchinterval(_SWITCH_SECONDS)
    pool = FinderPool(
        policies,
        settings.redaction_processes,
        settings.redaction_seconds,
        worker.log,
        failed=lambda failure: metrics.count("sluice_redaction_failures_total", failure=failure),
    )
    pool.start()
    sealer = wiring.sealer(settings)
    memories = Memories(worker.app.Table("placeholders", key_type=bytes, value_type=bytes), sealer)
    threads = ThreadPoolExecutor(settings.running_turns, "redact")

    async def forget_step(order: Order, delivery: Delivery) -> None:
        await memories.forget(order, delivery.origin.partition)

    auditor = Auditor(audit_log.append)
    auditor.start()
    step = redact_step(policies, sealer, memories, pool.find, threads, note=auditor.note)
    worker.consume("chat-enriched", (RequestEnriched,), step)
    worker.consume("housekeeping", (PersonErased, StateExpired), forget_step)
    try:
        worker.run()
    finally:
        auditor.stop(_LAST_MARKS_SECONDS)


if __name__ == "__main__":
    run_process("redact", main)
