"""Composition root of the respond stage: `python -m streams.respond`. No keys, no sealed topics."""

from agents.respond import Respond
from sluice.bots import load_bots
from sluice.clock import utc_now
from sluice.events import FeedbackGiven, PromptReady, StopRequested
from streams.litellm_model import LitellmModel, LitellmPrices
from streams.publisher import Publisher
from streams.stops import Stops
from streams.worker import make_worker


def main() -> None:
    """Wire and run."""
    worker = make_worker("respond")
    bots = load_bots(worker.settings)
    model = LitellmModel(bots.api_base, worker.settings.secret)
    prices = LitellmPrices()
    stops = Stops()
    worker.app.task(model.warm_up)

    async def respond_step(prompt: PromptReady, publisher: Publisher) -> None:
        entered_at = utc_now()
        bot = bots.by_name.get(prompt.bot)
        respond = Respond(model, prices, publisher.emit, utc_now)
        await respond(prompt, bot, bots.template_of(bot) if bot else None, stops.signal_for(prompt.turn_id), entered_at)

    async def control_step(control: StopRequested | FeedbackGiven, _publisher: Publisher) -> None:
        if isinstance(control, StopRequested):
            stops.stop(control.turn_id)

    worker.consume("chat-prompts", (PromptReady,), respond_step, limit=worker.settings.running_turns)
    worker.consume("chat-controls", (StopRequested, FeedbackGiven), control_step)
    worker.run()


if __name__ == "__main__":
    main()
