"""Text that may leave the gate."""

from typing import NewType

SafeText = NewType("SafeText", str)
"""Text without personal data. Made by `agents.redact`, or read back from a topic that holds only such text."""

Sealed = NewType("Sealed", bytes)
"""Personal text under its subject's key: see `sluice.sealing` for the layout."""
