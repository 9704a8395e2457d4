"""How much of what is personal is found in sentences that no rule was written against, and what the search costs."""

import gc

from agents.personal.finding import find, load_sources
from agents.personal.policy import Rule
from agents.policies import load_policies
from benchmarks.measurement import NothingMeasured, Result
from benchmarks.options import Options
from benchmarks.personal.cost import (
    IN_DOUBT,
    PLAIN,
    counted,
    many_values,
    milliseconds,
    most_hostile,
    most_hostile_to_one,
)
from benchmarks.personal.loop import held_while_others_work, held_while_searching
from benchmarks.personal.scoring import Score, score
from benchmarks.personal.sentences import sentences
from benchmarks.running import progress
from streams.finding.model import load_model

_ROUNDS = 12
_NAMES = ("PERSON", "ADDRESS", "PLACE")
_MAY_BE_MISSED = (*_NAMES, "POSTCODE")
_LEAST = {"PERSON": 0.92, "ADDRESS": 0.80, "PLACE": 0.85}
_LEAST_STRUCTURED, _LEAST_PRECISION = 0.99, 0.90
_MOST_PLAIN, _MOST_WITH_MODEL, _MOST_HOSTILE = 7.0, 20.0, 50.0
_LONGEST_HELD = 5.0


def personal(_options: Options) -> Result:
    """The default policy, and the model as the finder processes have it."""
    result = Result(
        "personal",
        notes=[
            "Recall: labels of which every letter and digit is in some span. The bar stands where the floor is.",
            "Precision: letters and digits in spans that are in labels, too, in percent.",
            "Structured: all types that have a form of their own, together; by type: details.",
            "Cost: milliseconds of CPU for 50 words.",
            "Loop held: how late a beat of the event loop comes while 400 texts of up to 20,000 characters are",
            "searched, 99 of 100; the details have the longest, and the same of an idle process beside two busy ones.",
            "Hostile: the same for 10,000 characters of the worst of many kinds, all detectors together and one alone.",
            "Many values: the same of what looks for 2,000 values of a conversation again, without the detectors.",
        ],
    )
    asked: list[int] = []
    sources = load_sources(counted(load_model(), asked.append))
    policy = load_policies()["default"]
    gc.freeze()
    progress("sentences")
    measured = sentences("measured", _ROUNDS)
    total = score(measured, lambda text: find(text, policy, sources))
    _add_quality(result, total)
    progress("cost")
    asked.clear()
    result.add("personal.cpu.plain", milliseconds(PLAIN, policy, sources), "ms", _MOST_PLAIN)
    if asked:
        raise NothingMeasured("the plain message was shown to the model")
    result.add("personal.cpu.with-model", milliseconds(IN_DOUBT, policy, sources), "ms", _MOST_WITH_MODEL)
    if not asked:
        raise NothingMeasured("the message in doubt was not shown to the model")
    everything = policy.model_copy(update={"types": {**policy.types, "ORG": Rule()}})
    worst, unit = most_hostile(everything, sources)
    result.add("personal.cpu.hostile", worst, "ms", _MOST_HOSTILE)
    one, unit_of_one = most_hostile_to_one(everything, sources)
    result.add("personal.cpu.hostile-one-detector", one, "ms", _MOST_HOSTILE)
    known, remembered = many_values(policy)
    result.add("personal.cpu.many-values", known, "ms", _MOST_HOSTILE)
    progress("event loop")
    held, control = held_while_searching(), held_while_others_work()
    result.add("personal.loop-held", held[len(held) * 99 // 100], "ms", _LONGEST_HELD)
    result.details["loop held, ms: half, 99 %, longest"] = {
        name: [round(late[len(late) // 2], 2), round(late[len(late) * 99 // 100], 2), round(late[-1], 2)]
        for name, late in (("searching", held), ("the machine by itself", control))
    }
    result.details |= {"sentences": len(measured), "hostile": [unit, unit_of_one], "many values": remembered}
    return result


def _add_quality(result: Result, total: Score) -> None:
    structured = [kind for kind in total.labels if kind not in _MAY_BE_MISSED]
    result.add("personal.recall.structured", total.recall(*structured) * 100, "%", _LEAST_STRUCTURED * 100)
    for kind in _NAMES:
        result.add(f"personal.recall.{kind.lower()}", total.recall(kind) * 100, "%", _LEAST[kind] * 100)
    result.add("personal.precision", total.precision * 100, "%", _LEAST_PRECISION * 100)
    result.details["recall"] = {
        kind: {"recall": round(total.recall(kind), 4), "labels": total.labels[kind]} for kind in sorted(total.labels)
    }
