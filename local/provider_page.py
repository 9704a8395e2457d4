"""The reference page on the development provider, made of the tables that it goes by."""

from agents.failures import FailureKind
from local.provider.behaviours import BEHAVIOURS, Behaviour
from local.provider.faults import FAULTS, Fault
from local.provider.scripts import FIELDS

_MOMENTS = {
    "instead": "instead of an answer",
    "before": "before the answer",
    "within": "after `after_tokens`",
    "whole": "",
}
_OTHER_KINDS = {
    "slow-first-token": FailureKind.FIRST_TOKEN_TIMEOUT,
    "refuses-prefill": FailureKind.REFUSED_PREFILL,
    "ends-prefill": FailureKind.NOTHING_ADDED,
}


def kind_of(behaviour: Behaviour) -> FailureKind | None:
    """What Sluice makes of the model's fault."""
    kind = _OTHER_KINDS.get(behaviour.name, FAULTS[behaviour.fault].kind)
    mute = behaviour.breaks_after == 0 and behaviour.fault is Fault.STALL
    return FailureKind.FIRST_TOKEN_TIMEOUT if mute else kind


def provider_page() -> str:
    """Models, scripts, meter."""
    lines = [_HEAD, "| Model | What it does | Kind |", "|---|---|---|"]
    lines += [f"| `{b.name}` | {b.description} | {_kind(kind_of(b))} |" for b in BEHAVIOURS.values()]
    lines += ["", _SCRIPTS, "| Field | Allowed | Meaning |", "|---|---|---|"]
    lines += [f"| `{name}` | {allowed} | {meaning} |" for name, (allowed, meaning) in FIELDS.items()]
    lines += ["", _FAULTS, "| Fault | When | What | Kind |", "|---|---|---|---|"]
    lines += [f"| `{f.value}` | {_MOMENTS[n.moment]} | {n.cause} | {_kind(n.kind)} |" for f, n in FAULTS.items()]
    return "\n".join([*lines, "", _TAIL])


def _kind(kind: FailureKind | None) -> str:
    return "" if kind is None else f"`{kind.value}`"


_HEAD = """# The development provider

An OpenAI-compatible model server on loopback, `http://127.0.0.1:9100/v1`, with scripted answers, scripted faults and a
meter. The bots that come with Sluice ask it, and so can any client of OpenAI's interface with the development key:

```sh
KEY=dev-key  # SLUICE_DEV_KEY
curl -N http://127.0.0.1:9100/v1/chat/completions -H "Authorization: Bearer $KEY" \\
  -d '{"model": "cut-after-20", "stream": true, "messages": [{"role": "user", "content": "Tell me a story"}]}'
```

`POST /v1/chat/completions` takes `model`, `messages`, `stream`, `max_tokens` or `max_completion_tokens`, and
`stream_options`: with `include_usage` the last chunk says the tokens, with vLLM's `continuous_usage_stats` every chunk
says those so far. Other parameters are ignored. A token is a piece of at most six characters with the space before it.
A beginning of the answer as the last message, in the assistant's name, is gone on with.

## Models

`GET /v1/models` lists them. The kind is what [routing](routing.md) calls such a failure. Faults in mid-stream concern
streamed answers only.
"""

_SCRIPTS = """## Scripts

What no model does, a script does: a JSON object with any of these fields. In the header `x-dev-script` it changes the
model of this one request; `PUT /v1/scripts/NAME` makes it a model of that name, until `DELETE /v1/scripts/NAME` or the
provider's end. A script that is wrong is answered with 400 and what is allowed.

```sh
curl -N http://127.0.0.1:9100/v1/chat/completions -H "Authorization: Bearer $KEY" \\
  -H 'x-dev-script: {"text": "one two three", "fault": "stall", "after_tokens": 2}' \\
  -d '{"model": "echo", "stream": true, "messages": [{"role": "user", "content": "Go"}]}'

curl -X PUT http://127.0.0.1:9100/v1/scripts/busy-twice \\
  -d '{"text": "At last.", "fault": "rate_limited", "retry_after_seconds": 0.5, "times": 2}'
curl -X DELETE http://127.0.0.1:9100/v1/scripts/busy-twice
```

A bot's route asks models and registered scripts alike:

```yaml
route:
  - model: openai/busy-twice
    api_base: http://127.0.0.1:9100/v1
    api_key: SLUICE_DEV_KEY
    price: none
    usage_url: http://127.0.0.1:9100/v1/generation?id={request_id}
```

A registered script counts its `times` from the moment it was registered, and again from 0 where it is registered anew.
Scripts in headers count by model and text: the same script with the same model goes on counting.
"""

_FAULTS = """### Faults
"""

_TAIL = """## Meter

`GET /meter` has every call since the provider started, with the caller's `X-Client-Request-Id` and `traceparent`, and
the totals. It is the independent witness for the ledger: completion tokens are those written to the socket. A refused
call costs nothing, one that was cut or hung up costs the question and what was written. A login page and a reset before
the headers are refusals.

`GET /v1/generation?id=ID` tells one call, in OpenRouter's shape, by its own id or by the caller's:

```sh
curl 'http://127.0.0.1:9100/v1/generation?id=my-request-1'
```

```json
{"data": {"id": "chatcmpl-...", "model": "cut-after-20", "tokens_prompt": 7, "tokens_completion": 20,
          "native_tokens_prompt": 7, "native_tokens_completion": 20, "finish_reason": null, "state": "failed"}}
```

While the call runs it is 404 with the code `running`, and for a call nobody knows 404 with `unknown`. States:
`completed`, `refused`, `failed` (by a fault), `disconnected` (the client hung up). Neither asks for a key.
"""
