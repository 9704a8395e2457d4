"""What the clients will say, to which bot, when, and how they will misbehave. A function of the seed."""

import random
import re
import string
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Manner = Literal["plain", "drop", "stop", "resend"]
_MANNERS: tuple[Manner, ...] = ("plain", "drop", "stop", "resend")
_MANNER_WEIGHTS = (58, 17, 10, 15)
_TURNS_OF_A_SESSION = 4
_SESSIONS_OF_A_CLIENT = 5
_WORDS = re.findall(
    r"\w+",
    "water river gate keeper board level stone bridge morning evening bucket number meadow summer winter quiet "
    "narrow broad careful turning wheel garden letter window yellow silver copper paper pencil simple gentle",
)
_SHORTEST, _LONGEST = 5, 32


@dataclass(frozen=True, slots=True)
class Saying:
    """One message. `at` is when the client says it, in seconds since the first could be said; `after` when it does what
    its manner says, in seconds since it sent the message. `marker` is a word that occurs in no other session.
    """

    at: float
    client: str
    session_id: str
    client_msg_id: str
    bot: str
    text: str
    marker: str
    manner: Manner
    after: float


def conversations(seed: int, turns: int, rate: float, bots: Sequence[tuple[str, int]]) -> list[Saying]:
    """`turns` messages at `rate` a second (arrivals as of a Poisson process), in order of time.

    `bots` are names with weights. Sessions are of one client each and take their turns at random.
    """
    chance = random.Random(f"conversations {seed}")  # noqa: S311 (repeatable, not secret)
    sessions = max(1, turns // _TURNS_OF_A_SESSION)
    clients = max(2, sessions // _SESSIONS_OF_A_CLIENT)
    markers = [_marker(chance) for _ in range(sessions)]
    names, weights = zip(*bots, strict=True)
    sayings = []
    now = 0.0
    for number in range(turns):
        now += chance.expovariate(rate)
        session = chance.randrange(sessions)
        words = chance.choices(_WORDS, k=chance.randint(_SHORTEST, _LONGEST))
        words.insert(chance.randrange(len(words)), markers[session])
        sayings.append(
            Saying(
                at=round(now, 3),
                client=f"client-{session % clients}",
                session_id=f"chaos-{seed}-{session}",
                client_msg_id=f"m-{number}",
                bot=chance.choices(names, weights)[0],
                text=" ".join(words),
                marker=markers[session],
                manner=chance.choices(_MANNERS, _MANNER_WEIGHTS)[0],
                after=round(chance.uniform(0.05, 1.5), 3),
            )
        )
    return sayings


def _marker(chance: random.Random) -> str:
    """A word that no other session says."""
    return "zq" + "".join(chance.choices(string.ascii_lowercase, k=10)) + "qz"
