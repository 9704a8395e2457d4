"""One example of every event, with fixed ids and times: the golden bytes and many tests are made of them."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

from sluice import events as e
from sluice.safe_text import SafeText, Sealed
from tests.doubles import NOON

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
TURN_ID = "11111111-2222-5333-8444-555555555555"
HEAD: dict[str, Any] = {"event_id": "e-1", "occurred_at": NOON, "traceparent": TRACE}
TURN: dict[str, Any] = HEAD | {"turn_id": TURN_ID, "session_id": "s-1", "user_id": "usr_1"}
USAGE = e.Usage(prompt_tokens=12, completion_tokens=3, estimated=False)
HOP = e.Hop(stage="accept", entered_at=NOON, left_at=NOON + timedelta(milliseconds=2))
COST = Decimal("0.0000036000")
SEALED = Sealed(b"\x01sealed")
EXCHANGE = e.Exchange(turn_id="t-0", question=SafeText("Who?"), answer=SafeText("Me."))
SAMPLING = e.Sampling(temperature=0.5, seed=7, max_tokens=40, stop=(SafeText("END"),))
TEMPLATE: dict[str, Any] = {"template_id": "assistant@1", "template_hash": "ab" * 32}
TIMES: dict[str, Any] = {"first_delta_ms": 7.5, "total_ms": 40.0, "first_token_ms": 5.25}

SAMPLES: dict[str, e.Event] = {
    event.__class__.__name__: event
    for event in (
        e.ChatRequested(
            **TURN,
            client_msg_id="m-1",
            bot="assistant",
            text=SEALED,
            hops=(HOP,),
            context=SEALED,
            sampling=SAMPLING,
            channel="openai",
        ),
        e.RequestEnriched(
            **TURN,
            **TEMPLATE,
            bot="assistant",
            text=SEALED,
            history=(EXCHANGE,),
            history_incomplete=False,
            redaction_policy="default",
            deadline_at=NOON + timedelta(seconds=60),
            hops=(HOP,),
            context=SEALED,
            sampling=SAMPLING,
        ),
        e.PromptReady(
            **TURN,
            **TEMPLATE,
            bot="assistant",
            question=SafeText("Write to [EMAIL_1]"),
            history=(EXCHANGE,),
            history_incomplete=True,
            deadline_at=NOON + timedelta(seconds=60),
            placeholders=SEALED,
            redacted_types={"EMAIL": 1},
            refusal=e.Refusal(code="redaction_failed", stage="redact", retryable=True),
            hops=(HOP,),
            context=(e.ContextMessage(role="system", content=SafeText("Be brief.")),),
            sampling=SAMPLING,
        ),
        e.AttemptStarted(
            **TURN,
            attempt=1,
            model="openai/echo",
            attempt_id="a-1",
            epoch=7,
            dropped_turns=1,
            summary="They met.",
            prompt_hash="cd" * 32,
            prefilled=3,
            instructions="Be brief.",
        ),
        e.DeltaProduced(**TURN, attempt=1, seq=0, text=SafeText("grüß 😀"), attempt_id="a-1"),
        e.AttemptReset(**TURN, attempt=2, reason="model_stream_broken", attempt_id="a-2"),
        e.TurnCompleted(
            **TURN,
            **TIMES,
            attempt=1,
            deltas=3,
            model="openai/echo",
            finish_reason="stop",
            usage=USAGE,
            cost_usd=COST,
            placeholders=SEALED,
            attempt_id="a-1",
            epoch=7,
        ),
        e.TurnFailed(
            **TURN,
            attempt=1,
            code="model_timeout",
            message="The model took too long.",
            retryable=True,
            attempt_id="a-1",
            epoch=7,
        ),
        e.TurnCancelled(**TURN, attempt=1, deltas=2, attempt_id="a-1", epoch=7),
        e.TurnFinished(
            **TURN,
            **TEMPLATE,
            **TIMES,
            bot="assistant",
            state="completed",
            question=SafeText("Hello"),
            answer=SafeText("Hello again"),
            attempts=1,
            model="openai/echo",
            finish_reason="stop",
            usage=USAGE,
            cost_usd=COST,
            redacted_types={"PHONE": 2},
            accepted_at=NOON,
            hops=(HOP,),
        ),
        e.StopRequested(**TURN),
        e.FeedbackGiven(**TURN, rating="up", comment=SEALED),
        e.AttemptMetered(
            **TURN,
            **TEMPLATE,
            bot="assistant",
            attempt=1,
            model="openai/echo",
            provider_call_id="call-1",
            usage=USAGE,
            cost_usd=COST,
            price_version="route",
            outcome="completed",
            finish_reason="stop",
            started_at=NOON,
            first_token_ms=5.25,
            duration_ms=30.0,
        ),
        e.StageTimed(**TURN, bot="assistant", stage="enrich", entered_at=NOON, left_at=NOON, outcome="passed"),
        e.TurnTimed(**TURN, bot="assistant", first_delta_ms=8.0, total_ms=41.0, overhead_ms=2.75),
        e.AuditRecorded(**HEAD, actor_id="usr_2", action="key.open", subject_id="usr_1", outcome="allowed", reason="x"),
        e.ErasureRequested(**HEAD, user_id="usr_1", requested_by="usr_2"),
        e.ErasureCompleted(
            **HEAD, user_id="usr_1", request_id="e-1", erased_at=NOON, turns_stopped=1, keys=2, letters=3, rows=4
        ),
        e.PersonErased(**HEAD, user_id="usr_1", erased_at=NOON),
        e.StateExpired(**HEAD, before=NOON),
        e.DeadLetter(
            **HEAD,
            reason="undecodable",
            detail="EOFError",
            consumer_group="sluice-enrich",
            origin_topic="chat-requests",
            origin_partition=3,
            origin_offset=42,
            origin_timestamp=NOON,
            key=SEALED,
            value=None,
        ),
    )
}
