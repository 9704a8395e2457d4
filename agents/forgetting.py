"""What a stage forgets when it is told to."""

from datetime import datetime

from sluice.events import PersonErased, StateExpired

Order = PersonErased | StateExpired


def forgets(order: Order, user_id: str, touched_at: datetime | None) -> bool:
    """Whether a piece of state goes. An order that comes again spares what a person has said since."""
    if isinstance(order, PersonErased):
        return user_id == order.user_id and (touched_at is None or touched_at <= order.erased_at)
    return touched_at is None or touched_at < order.before
