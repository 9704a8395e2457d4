"""The AsyncAPI 3.0 document of the WebSocket, from the frames themselves."""

from functools import cache
from typing import Any, get_args

import msgspec

from gateway.frames import NEEDS, SUBPROTOCOL, ClientFrame, ServerFrame
from gateway.openapi import BEARER
from sluice.tokens import Scope


@cache
def asyncapi_document() -> dict[str, Any]:
    """Built once; a test holds it against the frames."""
    client, server = get_args(ClientFrame), get_args(ServerFrame)
    _, schemas = msgspec.json.schema_components((*client, *server), ref_template="#/components/schemas/{name}")
    needs = {frame.__name__: scope for frame, scope in NEEDS.items()}
    names = {frame.__name__: str(frame.__struct_config__.tag) for frame in (*client, *server)}
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "Sluice WebSocket", "version": "1", "description": f"Sub-protocol {SUBPROTOCOL}"},
        "channels": {
            "socket": {
                "address": "/v1/ws",
                "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in names},
            }
        },
        "operations": {
            "receive": {
                "action": "receive",
                "channel": _channel(),
                "messages": [_message(f) for f in client],
                "security": [{"$ref": "#/components/securitySchemes/bearer"}],
            },
            "send": {"action": "send", "channel": _channel(), "messages": [_message(f) for f in server]},
        },
        "components": {
            "messages": {
                name: {"name": tag, "payload": {"$ref": f"#/components/schemas/{name}"}} | _needs(needs.get(name))
                for name, tag in names.items()
            },
            "securitySchemes": {"bearer": BEARER},
            "schemas": schemas,
        },
    }


def _needs(scope: Scope | None) -> dict[str, str]:
    """Of a machine's key."""
    return {} if scope is None else {"x-scope": scope}


def _channel() -> dict[str, str]:
    return {"$ref": "#/channels/socket"}


def _message(frame: type[msgspec.Struct]) -> dict[str, str]:
    return {"$ref": f"#/channels/socket/messages/{frame.__name__}"}
