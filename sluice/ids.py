"""Identifiers: who gives them, and which are derived so that a repeat gives the same one."""

import hashlib
import hmac
import re
import uuid

_NAMESPACE = uuid.UUID("5a1c0de0-0000-5000-8000-736c75696365")
WIRE_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
"""What a client may use as session_id and client_msg_id."""


def new_id() -> str:
    """A random UUID."""
    return str(uuid.uuid4())


def turn_id_for(user_id: str, session_id: str, client_msg_id: str) -> str:
    """The same message of the same person in the same session is the same turn, on any gateway."""
    return str(uuid.uuid5(_NAMESPACE, "\n".join(("turn", user_id, session_id, client_msg_id))))


def derived_event_id(*parts: str | int) -> str:
    """The id of an event that may be produced twice and must count once."""
    return str(uuid.uuid5(_NAMESPACE, "\n".join(map(str, ("event", *parts)))))


def pseudonym(subject: str, key: bytes) -> str:
    """The user_id of a token's subject: a keyed hash, so that nobody without the key can guess it back."""
    return "usr_" + hmac.new(key, subject.encode(), hashlib.sha256).hexdigest()[:32]
