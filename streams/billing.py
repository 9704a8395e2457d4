"""Ask a provider what a call cost, once it has ended: OpenRouter's `GET /generation`, and who copies it."""

import asyncio
from http import HTTPStatus
from typing import Any

import aiohttp

from sluice.events import Usage
from streams.told_usage import told_usage

_SECONDS, _AGAIN_SECONDS = 2.0, 0.05
_NEVER_CAME = Usage(prompt_tokens=0, completion_tokens=0, estimated=True)


async def billed(
    session: aiohttp.ClientSession, url: str, key: str | None, attempt_id: str, call_id: str | None
) -> Usage | None:
    """Tokens of the call, by its own id or by the one we gave it. None where the provider does not say in time.

    A call that was hung up may take the provider a moment to notice: it is asked again until it knows the end. Where it
    still knows nothing of the id we gave, and has said nothing, the call never reached it: no tokens, estimated.
    """
    if call_id is None and "{call_id}" in url:
        return None
    address = url.replace("{call_id}", call_id or "").replace("{request_id}", attempt_id)
    silent = "{request_id}" in url and call_id is None
    unknown = False
    headers = {} if key is None else {"Authorization": f"Bearer {key}"}
    try:
        async with asyncio.timeout(_SECONDS):
            while True:
                async with session.get(address, headers=headers) as response:
                    told: Any = await response.json()
                if response.status == HTTPStatus.OK:
                    return _usage(told)
                if response.status != HTTPStatus.NOT_FOUND:
                    return None
                unknown = True
                await asyncio.sleep(_AGAIN_SECONDS)
    except TimeoutError:
        return _NEVER_CAME if silent and unknown else None
    except (aiohttp.ClientError, OSError, ValueError):
        return None


def _usage(told: Any) -> Usage | None:
    data = told.get("data") if isinstance(told, dict) else None
    if not isinstance(data, dict):
        return None
    prompt, completion = (data.get(f"native_tokens_{s}", data.get(f"tokens_{s}")) for s in ("prompt", "completion"))
    return None if prompt is None else told_usage(prompt, completion)
