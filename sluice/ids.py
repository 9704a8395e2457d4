"""Identifiers: who gives them, and which are derived so that a repeat gives the same one."""

import hashlib
import hmac
import re
import uuid

_NAMESPACE = uuid.UUID("5a1c0de0-0000-5000-8000-736c75696365")
WIRE_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
"""What a client may use as session_id and client_msg_id."""


_NUMBERS = re.compile(r"(?<!\d)\d(?:[-_]?\d){12,18}(?!\d)")
_TELLING = re.compile(
    r"(?<!\d)\d{3}[-_]\d{2}[-_]\d{4}(?!\d)|(?:AKIA|ASIA)[A-Z0-9]{16}"
    r"|(?:sk|pk|rk)[-_](?:live|test|proj|ant|or|svcacct|admin)[-_][\w-]{8}|sk-[A-Za-z0-9]{20}"
    r"|gh[pousr]_\w{20}|github_pat_\w{20}|gl(?:pat|dt|rt|ptt|cbt|ft|soat)-[\w-]{10}|xox[abeoprs]-\w{8}|AIza[\w-]{30}"
    r"|(?:hf|npm|dckr_pat|pypi|figd|dop_v1|r8|gsk|tvly|lin_api|ntn|nvapi|glsa)[-_](?=[A-Za-z_]*\d)\w{20}"
    r"|shp(?:at|ca|pa|ss)_[0-9a-fA-F]{16}|slk_[0-9a-f]{16}|eyJ[\w-]{20}"
)
"""Social security numbers and keys of the well-known vendors, as they may stand in an id."""
_HEXADECIMAL = re.compile(r"[0-9A-F]+")
_ACCOUNT = re.compile(r"(?<![A-Za-z0-9])[A-Z]{2}\d{2}(?:[-_]?[A-Z0-9]){11,30}(?![A-Za-z0-9])")
_RANDOM = re.compile(
    r"(?<![A-Za-z0-9])(?:[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}|(?=[0-9]*[a-f])[0-9a-f]{20,})(?![A-Za-z0-9])",
    re.IGNORECASE,
)
"""UUIDs and the like: of a thousand one has digits that pass for a card's."""


def says_too_much(client_id: str) -> bool:
    """Whether an id that a client chose is a card's number, a bank account, a social security number or a key.

    Ids stand in the log in the clear. What else people put into them nobody can know: docs/reference/protocol.md.
    """
    return (
        _TELLING.search(client_id) is not None
        or any(_passes_luhn(_bare(match[0])) for match in _NUMBERS.finditer(_RANDOM.sub("", client_id)))
        or any(_is_account(_bare(match[0])) for match in _ACCOUNT.finditer(client_id))
    )


def _bare(number: str) -> str:
    return number.replace("-", "").replace("_", "")


def _is_account(number: str) -> bool:
    """An IBAN's check digits: ISO 7064, modulus 97. What is written in hexadecimal digits is random, if not German."""
    if _HEXADECIMAL.fullmatch(number) and not number[4:].isdigit():
        return False
    return int("".join(str(int(sign, 36)) for sign in number[4:] + number[:4])) % 97 == 1


def _passes_luhn(digits: str) -> bool:
    """ISO/IEC 7812-1, with the first digit of a payment card: a time in milliseconds begins with 1."""
    doubled = [int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(digits))]
    return digits[0] in "23456" and sum(number - 9 * (number > 9) for number in doubled) % 10 == 0


def new_id() -> str:
    """A random UUID."""
    return str(uuid.uuid4())


OWN_CONTEXT = "openai:"
"""How sessions begin whose clients bring the whole context with every message."""
_UNNAMED = ":"


def session_with_own_context(user_id: str, name: str | None) -> str:
    """A session of the OpenAI-compatible endpoint: the same for the same name, new without one.

    No chat client can name such a session: `WIRE_ID` has no colon.
    """
    named = uuid.uuid5(_NAMESPACE, "\n".join(("own context", user_id, name))) if name is not None else uuid.uuid4()
    return f"{OWN_CONTEXT}{named}"


def has_own_context(session_id: str) -> bool:
    """Whether its client brings the whole context with every message, so that no history is kept."""
    return session_id.startswith(OWN_CONTEXT)


def unnamed_message_id() -> str:
    """The client_msg_id of a message that its client gave none: nobody can resend it."""
    return _UNNAMED + new_id()


def may_be_resent(client_msg_id: str) -> bool:
    """Whether the client knows the id, so that the same message may be on the log twice."""
    return not client_msg_id.startswith(_UNNAMED)


def turn_id_for(user_id: str, session_id: str, client_msg_id: str) -> str:
    """The same message of the same person in the same session is the same turn, on any gateway."""
    return str(uuid.uuid5(_NAMESPACE, "\n".join(("turn", user_id, session_id, client_msg_id))))


def derived_event_id(*parts: str | int) -> str:
    """The id of an event that may be produced twice and must count once."""
    return str(uuid.uuid5(_NAMESPACE, "\n".join(map(str, ("event", *parts)))))


_PSEUDONYM = re.compile(r"usr_[0-9a-f]{32}")


def is_pseudonym(text: str) -> bool:
    """Whether it looks like a user_id."""
    return _PSEUDONYM.fullmatch(text) is not None


def pseudonym(subject: str, key: bytes) -> str:
    """The user_id of a token's subject: a keyed hash, so that nobody without the key can guess it back."""
    return "usr_" + hmac.new(key, subject.encode(), hashlib.sha256).hexdigest()[:32]
