"""Behaviours that a caller writes: a JSON object with some of the fields of one."""

import re
from dataclasses import replace
from typing import Annotated, Any, get_args

import msgspec
from msgspec import UNSET, Meta, UnsetType

from local.provider.behaviours import USUAL_TOKENS, Behaviour, FinishReason, Prefill
from local.provider.faults import FAULTS, Fault, fault_of

_LONGEST_SECONDS = 3600
_MOST = 1_000_000
_STATUS = (400, 599)

_Seconds = Annotated[float, Meta(ge=0, le=_LONGEST_SECONDS)]


class Script(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """What is not given is as the model has it; a registered script has the pace and the text of `story`."""

    text: Annotated[str, Meta(max_length=_MOST)] | UnsetType = UNSET
    first_token_seconds: _Seconds | UnsetType = UNSET
    token_seconds: _Seconds | UnsetType = UNSET
    fault: Fault | UnsetType = UNSET
    after_tokens: Annotated[int, Meta(ge=0, le=_MOST)] | UnsetType = UNSET
    retry_after_seconds: _Seconds | UnsetType = UNSET
    usage: bool | UnsetType = UNSET
    status: Annotated[int, Meta(ge=_STATUS[0], le=_STATUS[1])] | UnsetType = UNSET
    prefill: Prefill | UnsetType = UNSET
    times: Annotated[int, Meta(ge=0, le=_MOST)] | UnsetType | None = UNSET
    finish_reason: FinishReason | UnsetType = UNSET


def _named(moment: str) -> str:
    return ", ".join(fault.value for fault, note in FAULTS.items() if note.moment == moment)


_SECONDS = f"0 to {_LONGEST_SECONDS} seconds"
_REFUSING, _WITHIN = _named("instead"), _named("within")

FIELDS: dict[str, tuple[str, str]] = {
    "text": (f"a string of at most {_MOST} characters", "the whole answer"),
    "first_token_seconds": (_SECONDS, "the wait between headers and first token"),
    "token_seconds": (_SECONDS, "the wait before each further token"),
    "fault": (", ".join(Fault), "what goes wrong; `none` takes a model's own fault away"),
    "after_tokens": (
        f"0 to {_MOST}, with one of the faults {_WITHIN}",
        f"tokens of this call before the fault, {USUAL_TOKENS} unless told, 0: no word; a shorter answer ends well",
    ),
    "retry_after_seconds": (
        f"0 to {_LONGEST_SECONDS} seconds, with one of the faults {_REFUSING}, or with a status",
        "the header Retry-After",
    ),
    "usage": ("true or false", "whether the answer says its tokens where it is asked to; the meter counts anyway"),
    "status": (
        f"{_STATUS[0]} to {_STATUS[1]}, alone or with one of the faults {_REFUSING}",
        "a refusal with this status",
    ),
    "prefill": (
        ", ".join(get_args(Prefill)),
        "a beginning of the answer as the last message is gone on with, refused with 400, said again, or ended",
    ),
    "times": (f"0 to {_MOST}, or null for ever", "the fault comes in the first so many calls, then all is well"),
    "finish_reason": (", ".join(get_args(FinishReason)), "the finish_reason at the end"),
}
"""Of each field: what is allowed, and what it means. The reference page and every complaint say it."""


_FRESH = {"after_tokens": USUAL_TOKENS, "times": None, "cycle": None, "status": None, "retry_after_seconds": None}
"""A fault of the script's own has nothing of the model's."""


class WrongScript(Exception):
    """`field` is wrong; the text says why, and what is allowed."""

    def __init__(self, field: str | None, reason: str) -> None:
        allowed = f"Fields: {', '.join(FIELDS)}" if field not in FIELDS else f"Allowed: {FIELDS[field][0]}"
        super().__init__(f"{field or 'script'}: {reason}. {allowed}.")
        self.field = field


def script_of(raw: bytes | str) -> Script:
    """Raises WrongScript."""
    try:
        return msgspec.json.decode(raw, type=Script)
    except (msgspec.MsgspecError, UnicodeError) as error:
        words = str(error)
    found = re.search(r"at `\$\.(\w+)|unknown field `(.*?)`", words)
    raise WrongScript(found and (found[1] or found[2]), words.partition(" - at ")[0])


def scripted(model: Behaviour, script: Script) -> Behaviour:
    """The model as the script wants it. Raises WrongScript where two fields do not go together."""
    given: dict[str, Any] = {
        name: value for name, value in msgspec.structs.asdict(script).items() if value is not UNSET
    }
    text = given.pop("text", None)
    if text is not None:
        given["answer"] = lambda _question: text
    if script.fault is not UNSET:
        given = _FRESH | given
    elif script.status is not UNSET:
        given["fault"] = fault_of(script.status)
    fault = given.get("fault", model.fault)
    for name in ("status", "retry_after_seconds"):
        if given.get(name) is not None and FAULTS[fault].moment != "instead":
            raise WrongScript(name, f"not with the fault {fault}")
    if script.after_tokens is not UNSET and FAULTS[fault].moment != "within":
        raise WrongScript("after_tokens", f"not with the fault {fault}")
    if "times" in given:
        given["cycle"] = None
    return replace(model, **given)
