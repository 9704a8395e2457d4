"""What one bot's messages are cleared of, and how."""

from typing import Annotated, Literal

from phonenumbers import SUPPORTED_REGIONS
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from agents.personal.spans import PersonalType

Action = Literal["mask", "placeholder", "refuse"]


def _known(region: object) -> object:
    if region is False:
        raise ValueError('YAML takes NO for "false": write "NO"')
    if region not in SUPPORTED_REGIONS:
        raise ValueError("no ISO 3166 code of a region with telephones")
    return region


Region = Annotated[str, BeforeValidator(_known)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Rule(_Strict):
    """What is done about one type.

    `placeholder`: a number that means the same value in the whole conversation, and that the owner's gateway turns
    back. `mask`: the type's name, for good. `refuse`: the turn ends.
    """

    action: Action = "placeholder"
    from_score: Annotated[float, Field(ge=0, le=1)] = 0.5


class Policy(_Strict):
    """One file of `deploy/redaction/`."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
    description: str = ""
    regions: tuple[Region, ...] = ("US",)
    """ISO 3166 codes: whose telephone numbers without a country code, and whose national numbers, are looked for."""
    types: Annotated[dict[PersonalType, Rule], Field(min_length=1)]

    def action(self, kind: PersonalType) -> Action:
        """What is done about a type that was found."""
        return self.types[kind].action
