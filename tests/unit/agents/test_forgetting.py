from datetime import timedelta

import pytest

from agents.forgetting import forgets
from sluice.events import PersonErased, StateExpired
from tests.doubles import NOON
from tests.samples import HEAD

BEFORE, AFTER = NOON - timedelta(seconds=1), NOON + timedelta(seconds=1)
ERASED = PersonErased(**HEAD, user_id="usr_1", erased_at=NOON)
EXPIRED = StateExpired(**HEAD, before=NOON)


@pytest.mark.parametrize(
    ("order", "user_id", "touched_at", "goes"),
    [
        (ERASED, "usr_1", BEFORE, True),
        (ERASED, "usr_1", NOON, True),
        (ERASED, "usr_1", None, True),
        (ERASED, "usr_1", AFTER, False),
        (ERASED, "usr_2", BEFORE, False),
        (EXPIRED, "usr_1", BEFORE, True),
        (EXPIRED, "usr_1", None, True),
        (EXPIRED, "usr_1", NOON, False),
    ],
)
def test_what_goes(order, user_id, touched_at, goes):
    assert forgets(order, user_id, touched_at) is goes
