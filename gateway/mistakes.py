"""What is wrong with what a client sent, without a word of it: a key may be personal data as well as a value."""

import re

import msgspec

_PLACE = re.compile(r" - at `[^`]*`\Z")
_LONGEST = 200


def mistake(error: msgspec.ValidationError) -> str:
    """Msgspec names field and type. It quotes what was sent where a key or a word is unknown: that is left out."""
    text = str(error)
    place = (_PLACE.search(text) or [""])[0]
    if text.startswith("Object contains unknown field"):
        return f"Object contains a field that is not known{place}"
    if text.startswith(("Invalid value", "Invalid enum value")):
        return f"A value is none of those that are known{place}"
    return text[:_LONGEST]
