"""The reference page of the OpenAI-compatible endpoint, from the code that checks and answers."""

import json

from gateway.openai_errors import NAMES, status_of
from gateway.openai_request import AT_DEFAULT, USELESS, ChatBody
from sluice.errors import ErrorCode
from sluice.own_context import MESSAGE_BYTES, MOST_BYTES

_MEANINGS = {
    "model": "Name of a bot. It fixes route, template, limits and redaction.",
    "messages": "Roles `system`, `developer` (the same as `system`), `user`, `assistant`. `content` is a string or a "
    "list of text parts, joined by line ends. The last is the user's. They follow the bot's own system message.",
    "stream": "Server-sent events, ended by `data: [DONE]`.",
    "stream_options": "`include_usage`: a last chunk with `usage` and without choices.",
    "temperature": "0 to 2.",
    "top_p": "0 to 1.",
    "presence_penalty": "-2 to 2.",
    "frequency_penalty": "-2 to 2.",
    "seed": "A whole number of 64 bits.",
    "max_completion_tokens": "At least 1; the bot's own limit counts where it is lower.",
    "max_tokens": "The older name of it; one of the two.",
    "stop": "A string or up to 4.",
}


def openai_page() -> str:
    """How to point a client at it, what it takes, and what it answers."""
    lines = ["# The OpenAI-compatible endpoint", "", _BEGIN, "", "## Parameters", ""]
    lines += ["| Name | Meaning |", "|---|---|"]
    lines += [f"| `{name}` | {_MEANINGS[name]} |" for name in ChatBody.__struct_fields__]
    useless = ", ".join(f"`{name}`" for name in sorted(USELESS))
    lines += ["", f"Taken and not used: {useless}. Nothing of them is kept.", ""]
    lines += ["Taken where it asks for what is done anyway:", ""]
    lines += [
        f"- `{name}`: {' or '.join(f'`{json.dumps(value)}`' for value in values)}"
        for name, values in AT_DEFAULT.items()
    ]
    lines += ["", _TAKEN.format(most=f"{MOST_BYTES:,}", each=MESSAGE_BYTES), "", "## Answers", "", _ANSWERS, ""]
    lines += ["## Errors", "", _ERRORS, "", "| `error.code` | HTTP | [Catalogue](errors.md) |", "|---|---|---|"]
    lines += [f"| `{name}` | {status_of(code)} | `{code.value}` |" for code, name in NAMES.items()]
    others = [code for code in ErrorCode if code not in NAMES and status_of(code) != code.kind.http_status]
    lines += ["", "Another status than in the catalogue, since OpenAI has no 422: "]
    lines[-1] += ", ".join(f"`{code.value}` {status_of(code)}" for code in others) + "."
    lines += ["", "## What was chosen", "", _CHOICES]
    return "\n".join(lines) + "\n"


_BEGIN = """`POST /openai/v1/chat/completions`, `GET /openai/v1/models`, `GET /openai/v1/models/{model}`. Any client
for OpenAI works; its key is an API key or a token of this platform (`sluice api-keys create`; `sluice token` prints one
for development), its model a bot.

```python
from openai import OpenAI

client = OpenAI(base_url="http://127.0.0.1:8080/openai/v1", api_key=TOKEN)
for chunk in client.chat.completions.create(
    model="assistant", messages=[{"role": "user", "content": "What is a sluice?"}], stream=True
):
    print(chunk.choices[0].delta.content or "", end="")
```

LangChain: `ChatOpenAI(model="assistant", base_url="http://127.0.0.1:8080/openai/v1", api_key=TOKEN)`.

The whole pipeline lies behind it: the question is on the log before anything is answered, personal data is replaced
by placeholders in every message and stop string before a model reads them, each attempt has its row in the ledger."""

_TAKEN = """Everything else is refused by its name: `tools`, `n` above 1, images, audio, `logprobs`,
`response_format`, fields of a message besides `role` and `content` that are not empty. Ranges are checked before
anything is accepted.

All messages and stop strings together have at most {most} bytes of UTF-8, each counted {each} bytes longer than its
text. A list whose placeholders would be much longer than what they stand for can still be refused with the same code,
`messages_too_large`."""

_ANSWERS = """`id` is `chatcmpl-` and the turn's id, which the header `x-request-id` has too (`_request_id` in
OpenAI's SDK): `GET /v1/turns/{turn_id}` shows the turn, `sluice turn` its way. `model` is the bot. `finish_reason` is
`stop` or `length`. `usage` has the tokens of the turn. `system_fingerprint` is null, or `fallback` where no model
answered and this is the bot's `fallback_text`; a stream says it in its last chunks. While a model is silent, a stream
has comment lines, which clients skip."""

_ERRORS = """OpenAI's shape: `{"error": {"message", "type", "param", "code"}}`. `type` is `invalid_request_error`
below 500, `rate_limit_error` at 429, else `server_error`. What can be tried again has `Retry-After`; what cannot has
`x-should-retry: false`, since OpenAI's SDKs try every 409 and 5xx again. A turn that fails before its first word is
an HTTP status; one that fails later ends the stream with `data: {"error": ...}` and **without** `[DONE]`: the SDKs
raise `APIError`. Codes are those of the catalogue, but for these:"""

_CHOICES = """- **No text twice.** A stream cannot take back what was sent. When a model fails in mid-stream and
  another begins anew, its text is held back while it repeats what was sent, and goes on from there; a continuation
  always does. Where it says something else, the stream ends with an error, `model_stream_broken`. The turn goes on if
  the request had an `Idempotency-Key`: the same request again gives the whole answer. Without one it is stopped,
  since nobody could read it. Without `stream`, the answer is that of the last attempt, whole.
- **A client that hangs up stops its turn**, and the ledger has what was used until then.
  `SLUICE_OPENAI_STOP_ON_HANGUP=false` lets it go on; a stopped turn is `turn_cancelled` to who asks again by its key.
- **`Idempotency-Key`** names the request, as on REST: the same key of the same person is the same turn, on any
  gateway, and brings its outcome. Keys are 1 to 64 of A-Z, a-z, 0-9, _ and -. OpenAI's SDKs send none by themselves:
  give `extra_headers={"Idempotency-Key": ...}` where a retry must not be billed twice.
- **The messages are the whole context.** Nothing is remembered between requests, and each is a session of its own.
  The header `X-Session-Id` groups requests: they have one `session_id` in the warehouse, and are answered one after
  the other. They share no history, and no name of a conversation means the same here.
- **These turns are no conversations**: `GET /v1/sessions` does not list them. Each can be read, stopped and judged by
  its id.
- **Placeholders** are numbered in the order of the list, so that a list that grows has the same ones every time.
  Answers show them as the WebSocket does."""
