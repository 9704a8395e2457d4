"""The values behind the placeholders of a turn, for its owner."""

import msgspec

from sluice.errors import Unavailable
from sluice.metrics import Metrics
from sluice.placeholders import SEALED_AS, Values, decode_values
from sluice.safe_text import Sealed
from sluice.sealing import CannotOpen, Sealer


def open_values(sealer: Sealer, metrics: Metrics, sealed: Sealed, subject: str) -> Values:
    """None where the key is gone or the map was changed: the owner is shown placeholders then, and nobody a value."""
    try:
        return decode_values(sealer.open(sealed, subject=subject, field=SEALED_AS))
    except (CannotOpen, Unavailable, msgspec.DecodeError):
        metrics.count("sluice_unopened_maps_total")
        return {}
