"""Composition root of the enrich stage: `python -m streams.enrich`."""

from agents.enrich import awaits, enrich, requested
from agents.forgetting import Order
from agents.timing import stage_timed
from sluice.bots import load_bots
from sluice.clock import utc_now
from sluice.events import ChatRequested, PersonErased, StateExpired, TurnFinished
from sluice.ids import has_own_context
from sluice.process import run_process
from streams.conversations import Conversations
from streams.delivery import Delivery
from streams.worker import make_worker


def main() -> None:
    """Wire and run."""
    worker = make_worker("enrich")
    bots = load_bots(worker.settings)
    table = worker.app.Table("conversations", key_type=bytes, value_type=bytes)
    conversations = Conversations(table, worker.settings.history_turns)

    async def enrich_step(request: ChatRequested, delivery: Delivery) -> None:
        entered_at = utc_now()
        before = awaits(conversations.get(request.session_id), request)
        arrived = before is None or await conversations.wait_for(before, worker.settings.predecessor_wait_seconds)
        conversation = conversations.get(request.session_id)
        bot = bots.by_name.get(request.bot)
        enriched = enrich(
            request,
            conversation,
            bot,
            bots.template_of(bot) if bot else None,
            history_incomplete=not arrived,
            repeated=delivery.repeated,
            entered_at=entered_at,
            left_at=utc_now(),
        )
        await delivery.emit(enriched)
        if enriched.refusal is None and not has_own_context(request.session_id):
            conversations.put(request.session_id, requested(conversation, request))
        await delivery.emit(stage_timed(enriched))

    async def remember_step(turn: TurnFinished, _delivery: Delivery) -> None:
        if not has_own_context(turn.session_id):
            conversations.finish(turn)

    async def forget_step(order: Order, delivery: Delivery) -> None:
        await conversations.forget(order, delivery.origin.partition)

    worker.consume("chat-requests", (ChatRequested,), enrich_step)
    worker.consume("chat-turns", (TurnFinished,), remember_step)
    worker.consume("housekeeping", (PersonErased, StateExpired), forget_step)
    worker.run()


if __name__ == "__main__":
    run_process("enrich", main)
