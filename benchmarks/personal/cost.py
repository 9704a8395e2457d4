"""What the search costs, in milliseconds of CPU."""

import time
from collections.abc import Callable, Sequence

from agents.memory import MOST_VALUES, Memory
from agents.personal.finding import find
from agents.personal.named.doubts import Entity, Recognise
from agents.personal.policy import Policy
from agents.personal.reading import Source
from agents.redact import Redactor

PLAIN = (
    "could you please tell me how i can change the settings of my account so that i only get the weekly summary by "
    "mail and not the daily one, and is there a way to see all the older messages that were sent to me before the last "
    "update of the app"
)
"""50 words, none of which could be a name."""
IN_DOUBT = (
    "Yesterday evening Velmora told us that Grantley had not yet answered the letter which Oskerby sent to the office "
    "in Trendale two weeks ago, so could you please find out whether Hollin or Mark will come to the meeting with "
    "Brisk on Friday and write them a short note about it, thanks a lot"
)
"""50 words with names that no list has."""
_LONG = 10_000
_HOSTILE = (
    *(
        "a",
        "a ",
        "A ",
        "Aa ",
        "Aaa Bbb ",
        "John ",
        "Zork Blag. ",
        "zork ",
        "a@",
        "a.",
        "1 ",
        "1-",
        "1 A ",
        "12 Aa Street ",
        "rue de ",
    ),
    *(
        "Am Aa 1 ",
        "von der ",
        "de la ",
        "Dr. ",
        "Dr. A",
        "Mr ",
        "my name is ",
        "lives in ",
        "New ",
        "San ",
        "Aa-",
        "Aa'",
        "a'b",
        "Aa\n",
        "Aa\t",
    ),
    *(
        "Inc ",
        "University of ",
        "Flat 1, ",
        "1/",
        "strasse 1 ",
        "P.O. Box 1 ",
        "AB1 2CD ",
        "я",
        "я ",
        "\u03a9 \u03b1 ",
        "山",
        "é",
        "e\u0301",
        "%40",
    ),
    *(
        "&#64;",
        "\\n",
        "::",
        "DE12 ",
        "+1",
        "(",
        "password ",
        "password: ",
        "eyJ",
        "eyJa.",
        "-----BEGIN PRIVATE KEY-----",
        "://a:",
        "x=;",
    ),
    *(
        "tel 030 123 4567 ",
        "GB82 WEST ",
        "a at b dot ",
        "seed phrase abc ",
        "4111 1111 1111 1111 ",
        "3-1-1 ",
        "PO Box 1 ",
        "PO Box 1, Aa ",
        "card 1 1 ",
        "one one ",
        "Flat 1, Road 2, ",
        "thx\naa bb\n",
        "Smith, John ",
        "anna.bergx ",
        "pw: a1 ",
        "my name is aa bb. aa ",
        "sk-",
        "born 1.1.1 ",
        "user=a;",
        "Aa 1 ",
        "Aa, Bb, ",
        "Aa Bb Cc Dd 1",
        "Calle Aa 1, ",
        "A/1 Aa ",
        "1234 AB Aa ",
        "1234-123 Aa ",
        "twenty aa ",
        "nin 1A ",
        "@a ",
        "user a1 ",
        "my code ",
        "door ",
        "я Яя ",
        "la que ",
        "Apt 1\n",
        "1 Aa\nApt 1\n",
        "\n",
        " ",
    ),
    *(
        "41 ",
        "60 ",
        "34 56 ",
        "411 ",
        "12 345 ",
        "123 45 67 ",
        "12-34 ",
        "(12) ",
        "99 999 ",
        "60 030 ",
        "call 60 60 ",
        "passport 1 A ",
        "passport 12 ab1 ",
        "license A1-",
        "00 ",
        "12 - 0",
        "0-123 ",
        "Abc  中@ ",
        "A POع ",
    ),
)


def milliseconds(text: str, policy: Policy, sources: Sequence[Source], times: int = 50) -> float:
    """Of CPU, on average."""
    find(text, policy, tuple(sources))
    before = time.process_time()
    for _ in range(times):
        find(text, policy, tuple(sources))
    return (time.process_time() - before) / times * 1000


def most_hostile(policy: Policy, sources: Sequence[Source]) -> tuple[float, str]:
    """Milliseconds for 10,000 characters, the worst of all, and what they repeat. The best of three runs counts."""
    worst = (0.0, "")
    for unit in _HOSTILE:
        text = (unit * (_LONG // len(unit) + 1))[:_LONG]
        worst = max(worst, (min(milliseconds(text, policy, sources, 1) for _ in range(3)), unit))
    return worst


def most_hostile_to_one(policy: Policy, sources: Sequence[Source]) -> tuple[float, str]:
    """The same, of each detector alone."""
    return max(most_hostile(policy, (source,)) for source in sources)


def many_values(policy: Policy) -> tuple[float, str]:
    """The worst of conversations with as many values as are remembered: the stage's own part for 10,000 characters."""
    worst = (0.0, "")
    for name, (kind, values, unit) in _REMEMBERED.items():
        remembered = Memory({f"[{kind}_{at}]": value for at, value in enumerate(values, start=1)}, {})
        text = (unit * (_LONG // len(unit) + 1))[:_LONG]
        worst = max(worst, (min(_redacting(text, policy, remembered) for _ in range(3)), name))
    return worst


def _redacting(text: str, policy: Policy, memory: Memory) -> float:
    redactor = Redactor(policy, memory, find_spans=lambda _text, _policy: [])
    before = time.process_time()
    redactor.redact(text)
    return (time.process_time() - before) * 1000


_NUMBERS = range(MOST_VALUES)
_REMEMBERED: dict[str, tuple[str, list[str], str]] = {
    "mobiles, each again": (
        "PHONE",
        [f"07700 {900000 + at}" for at in _NUMBERS],
        " ".join(f"07700 {900000 + at}" for at in _NUMBERS),
    ),
    "namesakes": ("PERSON", [f"John {second}" for second in map("Z{:b}".format, _NUMBERS)], "John "),
    "mobiles that begin alike": ("PHONE", [f"07700 {900000 + at}" for at in _NUMBERS], "07700 "),
    "passwords that go on": ("PASSWORD", ["a" + "!" * at for at in range(3, 150)], "a! "),
    "phrases that go on": ("PASSWORD", ["a " * at + "b" for at in range(3, 24)], "a "),
}


def counted(recognise: Recognise, count: Callable[[int], None]) -> Recognise:
    """The model, with the tokens that it was asked about told to `count`."""

    def recognise_(words: Sequence[str], spaces: Sequence[bool]) -> list[Entity]:
        count(len(words))
        return recognise(words, spaces)

    return recognise_
