"""Composition root of the redact stage: `python -m streams.redact`. The only stage with keys."""

import asyncio
from functools import partial

from agents.policies import load_policies
from agents.redact import redact
from agents.timing import stage_timed
from sluice.clock import utc_now
from sluice.events import RequestEnriched
from sluice.key_store import FileKeyStore
from sluice.process import run_process
from sluice.sealing import Sealer
from streams.delivery import Delivery
from streams.worker import make_worker


def main() -> None:
    """Wire and run."""
    worker = make_worker("redact")
    policies = load_policies()
    sealer = Sealer(FileKeyStore(worker.settings.keys_dir / "subjects"), worker.settings.tenant)

    async def redact_step(enriched: RequestEnriched, delivery: Delivery) -> None:
        clear = partial(
            redact,
            enriched,
            policies,
            open_text=lambda sealed, subject, field: sealer.open(sealed, subject=subject, field=field),
            seal_map=lambda plain, subject: sealer.seal(plain, subject=subject, field="PromptReady.placeholders"),
            entered_at=utc_now(),
            clock=utc_now,
            repeated=delivery.repeated,
        )
        # A client's own context can be so long that the loop would stand still for a second.
        prompt = await asyncio.to_thread(clear) if enriched.context is not None else clear()
        await delivery.emit(prompt)
        await delivery.emit(stage_timed(prompt))

    worker.consume("chat-enriched", (RequestEnriched,), redact_step)
    worker.run()


if __name__ == "__main__":
    run_process("redact", main)
