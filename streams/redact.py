"""Composition root of the redact stage: `python -m streams.redact`. The only stage with keys."""

import asyncio
from functools import partial

from agents.policies import load_policies
from agents.redact import redact
from agents.timing import stage_timed
from sluice import wiring
from sluice.clock import utc_now
from sluice.events import RequestEnriched
from sluice.ids import has_own_context
from sluice.placeholders import SEALED_AS as MAP
from sluice.process import run_process
from streams.delivery import Delivery
from streams.memories import Memories
from streams.worker import make_worker


def main() -> None:
    """Wire and run."""
    worker = make_worker("redact")
    policies = load_policies()
    sealer = wiring.sealer(worker.settings)
    memories = Memories(worker.app.Table("placeholders", key_type=bytes, value_type=bytes), sealer)

    async def redact_step(enriched: RequestEnriched, delivery: Delivery) -> None:
        remembers = not has_own_context(enriched.session_id)
        sealed = memories.get(enriched.session_id) if remembers else None
        clear = partial(
            redact,
            enriched,
            policies,
            open_text=lambda sealed, subject, field: sealer.open(sealed, subject=subject, field=field),
            seal_map=lambda plain, subject: sealer.seal(plain, subject=subject, field=MAP),
            recall=lambda: memories.open(sealed, enriched.user_id),
            entered_at=utc_now(),
            clock=utc_now,
            repeated=delivery.repeated,
        )
        # A client's own context can be so long that the loop would stand still for a second.
        prompt, memory = await asyncio.to_thread(clear) if enriched.context is not None else clear()
        await delivery.emit(prompt)
        if memory is not None and remembers:
            memories.put(enriched.session_id, memory, enriched.user_id)
        await delivery.emit(stage_timed(prompt))

    worker.consume("chat-enriched", (RequestEnriched,), redact_step)
    worker.run()


if __name__ == "__main__":
    run_process("redact", main)
