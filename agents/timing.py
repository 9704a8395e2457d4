"""Telemetry of the stages before the answer."""

from sluice.events import PromptReady, RequestEnriched, StageTimed
from sluice.ids import derived_event_id


def stage_timed(event: RequestEnriched | PromptReady) -> StageTimed:
    """The times of the stage that made this event: its last hop."""
    hop = event.hops[-1]
    refused_here = event.refusal is not None and event.refusal.stage == hop.stage
    return StageTimed(
        event_id=derived_event_id(event.turn_id, hop.stage, "timed"),
        occurred_at=hop.left_at,
        traceparent=event.traceparent,
        turn_id=event.turn_id,
        session_id=event.session_id,
        user_id=event.user_id,
        bot=event.bot,
        stage=hop.stage,
        entered_at=hop.entered_at,
        left_at=hop.left_at,
        outcome="refused" if refused_here else "passed",
        error_code=event.refusal.code if event.refusal and refused_here else None,
    )
