"""What fills the slots of the sentences that rules are tuned on: another library than the measured ones have, and names
and places written down by hand.
"""

import random
from functools import cache
from pathlib import Path

from mimesis import Address, Generic
from mimesis.locales import Locale

from benchmarks.personal.values import Values

_LOCALES = {
    "en_US": Locale.EN,
    "en_GB": Locale.EN_GB,
    "en_CA": Locale.EN_CA,
    "en_AU": Locale.EN_AU,
    "de_DE": Locale.DE,
    "de_AT": Locale.DE_AT,
    "fr_FR": Locale.FR,
    "es_ES": Locale.ES,
    "es_MX": Locale.ES_MX,
    "it_IT": Locale.IT,
    "nl_NL": Locale.NL,
    "pl_PL": Locale.PL,
    "pt_BR": Locale.PT_BR,
    "sv_SE": Locale.SV,
    "da_DK": Locale.DA,
    "no_NO": Locale.NO,
    "fi_FI": Locale.FI,
    "cs_CZ": Locale.CS,
    "tr_TR": Locale.TR,
    "hu_HU": Locale.HU,
    "hr_HR": Locale.HR,
    "ru_RU": Locale.RU,
    "uk_UA": Locale.UK,
    "el_GR": Locale.EL,
    "ja_JP": Locale.JA,
    "zh_CN": Locale.ZH,
    "ko_KR": Locale.KO,
}
_BY_HAND = 0.35


@cache
def _by_hand() -> dict[str, list[str]]:
    parts = (Path(__file__).parent / "by_hand.txt").read_text().split("## ")[1:]
    return {kind: values for kind, *values in (part.strip().split("\n") for part in parts)}


class DevelopmentValues(Values):
    """Values of one locale, in an order that the seed decides."""

    def __init__(self, locale: str, seed: int) -> None:
        super().__init__(locale, seed)
        self._other = Generic(_LOCALES[locale], seed=seed)
        self._by_hand = _by_hand()
        self._hand = random.Random(f"hand{locale}{seed}")
        address = self._other.address
        assert isinstance(address, Address)
        self._place = address

    def _listed(self, kind: str) -> str | None:
        return self._hand.choice(self._by_hand[kind]) if self._hand.random() < _BY_HAND else None

    @property
    def _latin(self) -> bool:
        return self.locale not in {"ru_RU", "uk_UA", "el_GR", "ja_JP", "zh_CN", "ko_KR"}

    def _person(self) -> str:
        return (self._latin and self._listed("names")) or self._other.person.full_name()

    def _first(self) -> str:
        return self._other.person.first_name()

    def _last(self) -> str:
        return self._other.person.last_name()

    def _city(self) -> str:
        return self._listed("cities") or self._place.city()

    def _country(self) -> str:
        return self._listed("countries") or self._place.country()

    def _street(self) -> str:
        return self._listed("streets") or self._place.address()

    def _postcode(self) -> str:
        return self._place.postal_code()

    def _email(self) -> str:
        return self._other.person.email()

    def _phone(self) -> str:
        return self._other.person.phone_number()
