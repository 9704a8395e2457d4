"""What the life of a turn asks to be done: see agents.attempts."""

import math
from dataclasses import dataclass
from typing import Literal

from agents.answers import AnswerGate
from agents.failures import FailureKind
from agents.joint import Joint
from sluice.bots import Limits, Route
from sluice.errors import ErrorCode
from sluice.safe_text import EMPTY, SafeText, part


@dataclass(slots=True, eq=False)
class Call:
    """One call of a model, from the order to its end."""

    number: int
    attempt_id: str
    place: int
    route: Route
    limits: Limits
    joint: Joint
    gate: AnswerGate
    continues: str = ""
    shorter: int = 0
    hedge: bool = False
    """Runs beside another and has not won yet."""
    made: bool = False
    """Announced, and the provider is asked; until then it waits for a free slot."""
    asked_at: float = 0.0
    watch_at: float = math.inf
    ends_at: float = math.inf
    spoke: bool = False
    slow: bool = False
    begun: SafeText = EMPTY
    """What it goes on with."""
    text: SafeText = EMPTY
    """What readers have of the answer by this call, with what it goes on with."""
    last_piece: str = ""
    same: int = 0

    @property
    def given(self) -> SafeText:
        """The beginning of the answer as its model gets it."""
        return part(self.begun, 0, len(self.joint.given))

    @property
    def added(self) -> SafeText:
        """What the call itself gave to the answer."""
        return part(self.text, len(self.joint.before))


@dataclass(frozen=True, slots=True)
class Ask:
    """Announce the call and make it. `begun` or `failed` must follow."""

    call: Call


@dataclass(frozen=True, slots=True)
class Promote:
    """The call beside won: from now on it is what readers follow."""

    call: Call


@dataclass(frozen=True, slots=True)
class Say:
    """The next words of the call."""

    call: Call
    text: SafeText


@dataclass(frozen=True, slots=True)
class Reset:
    """What the call said is void; another beginning follows."""

    call: Call
    kind: FailureKind


@dataclass(frozen=True, slots=True)
class Settle:
    """The call is over: hang up if it still speaks, and write its bill."""

    call: Call
    outcome: Literal["completed", "failed", "cancelled"]
    kind: FailureKind | None = None


@dataclass(frozen=True, slots=True)
class Finish:
    """The turn is over. `fallback` is a text to say in the models' place."""

    state: Literal["completed", "failed", "cancelled"]
    code: ErrorCode | None = None
    fallback: str | None = None


Order = Ask | Promote | Say | Reset | Settle | Finish
