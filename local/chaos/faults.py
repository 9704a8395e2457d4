"""The plan: which fault, when, on what. A function of the seed, so that a run can be repeated."""

import random
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from local.chaos.layout import GATEWAYS, NODES, SESSION_SECONDS
from sluice.failpoints import FAILPOINTS, FailpointName

FaultKind = Literal[
    "kill", "term", "freeze", "failpoint", "storm", "broker_kill", "brokers_restart", "cut", "delay", "provider"
]
KINDS: tuple[FaultKind, ...] = (
    "kill", "term", "freeze", "failpoint", "storm", "broker_kill", "brokers_restart", "cut", "delay", "provider"
)  # fmt: skip
STAGES = ("enrich", "redact", "respond")
POINTS: tuple[FailpointName, ...] = tuple(point for point in FAILPOINTS if not point.startswith("bigquery."))
"""Those of the processes that a campaign runs."""
_FREEZE_SECONDS = SESSION_SECONDS + 3.0
_BEFORE_BROKERS_SECONDS, _AFTER_BROKERS_SECONDS = 8.0, 14.0
"""Around a broker's fault no worker is killed: its recovery would be the broker's."""
_SHORTEST_SLOT_SECONDS = 1.2
_EDGES_SECONDS = 4.0
"""Without a new fault at begin and end, so that each meets running turns."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault. `at` is seconds after the load began; `seconds` how long it lasts where it lasts.

    `target` is `<process>-<instance>`, a failpoint, a stage, `broker-<node>`, or a proxied link.
    """

    at: float
    kind: FaultKind
    target: str
    seconds: float = 0.0


def plan(seed: int, window_seconds: float, scale: int) -> list[Fault]:
    """Faults in order of time, all within the window. `scale` 0 has each kind once; each further one adds a round.

    A window too short for its faults packs them closer and runs over.
    """
    chance = random.Random(seed)  # noqa: S311 (repeatable, not secret)
    workers = _spread(chance, _workers(chance, scale))
    brokers = _brokers(chance, scale)
    share = -(-len(workers) // (len(brokers) + 1))
    before = min(_BEFORE_BROKERS_SECONDS, window_seconds * 0.08)
    after = min(_AFTER_BROKERS_SECONDS, window_seconds * 0.2)
    left = max(0.0, window_seconds - (before + after) * len(brokers) - _EDGES_SECONDS)
    slot = max(_SHORTEST_SLOT_SECONDS, left / len(workers))
    planned: list[Fault] = []
    now = 1.0
    for index in range(len(brokers) + 1):
        for kind, target, seconds in workers[index * share : (index + 1) * share]:
            planned.append(Fault(round(now + chance.uniform(0, slot * 0.6), 3), kind, target, seconds))
            now += slot
        if index < len(brokers):
            planned.append(Fault(round(now + before, 3), *brokers[index]))
            now += before + after
    return sorted(planned, key=lambda fault: fault.at)


def _spread(chance: random.Random, drawn: "list[_Drawn]") -> "list[_Drawn]":
    """Shuffled, but with the faults of each process evenly over the run: two of a stage at once are its end."""
    chance.shuffle(drawn)
    by_process: dict[str, list[_Drawn]] = defaultdict(list)
    for one in drawn:
        by_process[re.split(r"[-.]", one[1])[0]].append(one)
    placed = [
        ((number + chance.uniform(0.1, 0.9)) / len(group), one)
        for group in by_process.values()
        for number, one in enumerate(group)
    ]
    return [one for _, one in sorted(placed, key=lambda pair: pair[0])]


_Drawn = tuple[FaultKind, str, float]


def _workers(chance: random.Random, scale: int) -> list[_Drawn]:
    """All but the brokers' faults."""
    points = list(POINTS) if scale else _one_of_each_stage(chance)
    drawn: list[_Drawn] = [("failpoint", point, 0.0) for point in points]
    for turn in range(scale + 1):
        stages = STAGES if scale else (chance.choice(STAGES),)
        drawn += [("kill", f"{stage}-{chance.choice((1, 2))}", 0.0) for stage in stages]
        drawn.append(("term", f"{chance.choice(STAGES)}-{chance.choice((1, 2))}", 0.0))
        drawn.append(
            ("freeze", f"{('respond', 'redact', 'enrich')[turn % 3]}-{chance.choice((1, 2))}", _FREEZE_SECONDS)
        )
        drawn.append(("storm", chance.choice(STAGES), 0.0))
        drawn.append(("cut", _link(chance), round(chance.uniform(0.3, 1.5), 2)))
        drawn.append(("delay", _link(chance), round(chance.uniform(1.0, 3.0), 2)))
        drawn.append(("provider", chance.choice(("cut", "delay")), round(chance.uniform(0.3, 1.0), 2)))
    if scale:
        drawn += [("kill", f"gateway-{n}", 0.0) for n in GATEWAYS]
        drawn += [("term", f"gateway-{chance.choice(GATEWAYS)}", 0.0), ("kill", "landing-1", 0.0)]
        drawn.append(("freeze", f"gateway-{chance.choice(GATEWAYS)}", _FREEZE_SECONDS))
    return drawn


def _brokers(chance: random.Random, scale: int) -> list[_Drawn]:
    drawn: list[_Drawn] = [("broker_kill", f"broker-{chance.choice(NODES)}", 0.0), ("brokers_restart", "brokers", 0.0)]
    if scale > 1:
        drawn.append(("broker_kill", f"broker-{chance.choice(NODES)}", 0.0))
    chance.shuffle(drawn)
    return drawn


def _one_of_each_stage(chance: random.Random) -> Sequence[str]:
    prefixes = sorted({point.split(".", 1)[0] for point in POINTS})
    return [chance.choice([point for point in POINTS if point.startswith(prefix + ".")]) for prefix in prefixes]


def _link(chance: random.Random) -> str:
    return chance.choice([f"broker-{n}" for n in NODES] + [f"gateway-{n}" for n in GATEWAYS])
