"""What every benchmark is told."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Options:
    """`cold` adds the start from a fresh clone, which takes minutes; `events` is the size of backlog and warehouse;
    `growth` measures the warehouse at a tenth and at four times of it, too.
    """

    port_offset: int = 4000
    cold: bool = False
    events: int = 500_000
    growth: bool = False
