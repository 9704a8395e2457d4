"""Composition root of the respond stage: `python -m streams.respond`. No keys, no sealed topics."""

import random
from functools import partial

from agents.breaker import Breakers, BreakerState
from agents.means import Means
from agents.respond import Respond
from sluice.bots import load_bots
from sluice.clock import utc_now
from sluice.events import FeedbackGiven, PromptReady, StopRequested
from sluice.ids import new_id
from sluice.metrics import Metrics
from sluice.process import run_process
from streams.delivery import Delivery
from streams.litellm_model import LitellmPrices, preload
from streams.models import Models
from streams.past import Past
from streams.routes import check_routes
from streams.stops import Stops
from streams.worker import make_worker

_BREAKER = {"closed": 0, "half_open": 1, "open": 2}


def _tell_breaker(metrics: Metrics, model: str, state: BreakerState) -> None:
    metrics.gauge("sluice_model_breaker").labels(model=model).set(_BREAKER[state])


def main() -> None:
    """Wire and run."""
    worker = make_worker("respond")
    bots = load_bots(worker.settings)
    preload()
    model = Models(bots, worker.settings.secret, utc_now)
    worker.on_end = model.aclose
    prices = LitellmPrices()
    check_routes(bots, prices)
    stops = Stops()
    worker.app.task(model.warm_up)

    past = Past(worker.kafka, worker.codec)
    worker.on_gone = lambda gone: past.forget({number for _topic, number in gone})
    respond = Respond(
        Means(
            model,
            prices,
            utc_now,
            new_id,
            worker.intake.epoch,
            random.random,
            worker.failpoints.reach,
            Breakers(partial(_tell_breaker, worker.metrics)),
            failed=lambda name, kind: worker.metrics.count("sluice_model_failures_total", model=name, kind=kind),
        )
    )

    async def respond_step(prompt: PromptReady, delivery: Delivery) -> None:
        entered_at = utc_now()
        bot = bots.by_name.get(prompt.bot)
        template = bots.template_of(bot) if bot else None
        stop = stops.signal_for(prompt.turn_id)
        may_be_known = delivery.repeated or prompt.repeated
        look = partial(past.of, prompt, delivery.origin.partition) if may_be_known else None
        await respond(prompt, bot, template, stop, entered_at, delivery, look)

    async def control_step(control: StopRequested | FeedbackGiven, _delivery: Delivery) -> None:
        if isinstance(control, StopRequested):
            stops.stop(control.turn_id)

    worker.consume("chat-prompts", (PromptReady,), respond_step)
    worker.consume("chat-controls", (StopRequested, FeedbackGiven), control_step)
    worker.run()


if __name__ == "__main__":
    run_process("respond", main)
