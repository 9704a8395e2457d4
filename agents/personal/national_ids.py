"""Numbers that states give to people, by country. Proofs are python-stdnum's.

A number is `clear` where its look alone (letters, separators, a date) tells it from others; else it counts only
beside words that say what it is.
"""

import re
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Protocol

from agents.personal.policy import Region

_DAY, _MONTH = r"(?:0[1-9]|[12]\d|3[01])", r"(?:0[1-9]|1[0-2])"


class _Validator(Protocol):
    def is_valid(self, number: str, /) -> bool: ...


@dataclass(frozen=True, slots=True)
class NationalId:
    """`proof` is a module of stdnum; without one the look is all there is."""

    region: Region
    pattern: re.Pattern[str]
    proof: str
    clear: bool

    def is_valid(self, number: str) -> bool:
        """Check digits, dates, lengths."""
        return not self.proof or _validator(self.proof).is_valid(number)


@cache
def _validator(name: str) -> _Validator:
    validator: _Validator = import_module(f"stdnum.{name}")
    return validator


_CLEAR: tuple[tuple[Region, str, str, str], ...] = (
    # Region, shapes (see rows.py), pattern, proof.
    ("AR", "9" * 11, r"(?:20|2[347]|3[034])-\d{8}-\d", "ar.cuit"),
    ("AT", "9" * 10, rf"\d{{4}}[ ]?{_DAY}(?:0[1-9]|1[0-5])\d{{2}}", "at.vnr"),
    ("BE", "9" * 11, r"\d{2}\.\d{2}\.\d{2}-\d{3}\.\d{2}", ""),
    ("BR", "9" * 11, r"\d{3}\.\d{3}\.\d{3}-\d{2}", ""),
    ("BR", "9" * 11, r"\d{11}", "br.cpf"),
    ("CH", "9" * 13, r"756[. ]?\d{4}[. ]?\d{4}[. ]?\d{2}", ""),
    ("CL", "99999999A 999999999", r"\d{1,2}\.\d{3}\.\d{3}-[\dK]", ""),
    ("CL", "99999999A 999999999", r"\d{7,8}-[\dK]", "cl.rut"),
    ("CN", "9" * 18 + " " + "9" * 17 + "A", rf"[1-9]\d{{5}}(?:19|20)\d{{2}}{_MONTH}{_DAY}\d{{3}}[\dX]", ""),
    ("CZ", "9999999999 999999999", r"\d{2}[0-35-8]\d[0-3]\d/\d{3,4}", ""),
    ("DE", "99999999A999", rf"\d{{2}}[ ]?{_DAY}[ ]?{_MONTH}[ ]?\d{{2}}[ ]?[A-Z][ ]?\d{{2}}[ ]?\d", ""),
    ("DK", "9" * 10, rf"{_DAY}{_MONTH}\d{{2}}-\d{{4}}", ""),
    ("EE", "9" * 11, rf"[1-8]\d{{2}}{_MONTH}{_DAY}\d{{4}}", "ee.ik"),
    ("ES", "99999999A", r"\d{2}\.?\d{3}\.?\d{3}[ -]?[A-Z]", "es.dni"),
    ("ES", "A9999999A", r"[XYZ][ -]?\d{7}[ -]?[A-Z]", ""),
    ("FI", "9999999999 999999999A 999999A9999 999999A999A", rf"{_DAY}{_MONTH}\d{{2}}[-A-FU-Y]\d{{3}}[0-9A-Y]", ""),
    (
        "FR",
        "9" * 15 + " 999999A99999999 99999A999999999 999999A9999999999",
        rf"[12][ .]?\d{{2}}[ .]?(?:{_MONTH}|[2-9]\d)[ .]?(?:\d{{2}}|2[AB])[ .]?\d{{3}}[ .]?\d{{3}}[ .]?\d{{2}}",
        "",
    ),
    ("GB", "AA999999A", r"[A-Z]{2}[ -]?\d{2}[ -]?\d{2}[ -]?\d{2}[ -]?[A-DFMPT]", ""),
    ("GR", "9" * 11, rf"{_DAY}{_MONTH}\d{{7}}", "gr.amka"),
    ("HK", "A9999999 AA9999999 A999999A", r"[A-Z]{1,2}\d{6}\([0-9A]", ""),
    ("HU", "9" * 11, rf"[1-8][- ]\d{{2}}{_MONTH}{_DAY}[- ]\d{{4}}", ""),
    ("ID", "9" * 16, rf"\d{{6}}[0-7]\d{_MONTH}\d{{2}}\d{{4}}", "id.nik"),
    ("IE", "9999999A 9999999AA", r"\d{7}[ ]?[A-W][A-IW]?", "ie.pps"),
    ("IN", "9" * 12, r"[2-9]\d{3}[ -]\d{4}[ -]\d{4}", "in_.aadhaar"),
    ("IN", "AAAAA9999A", r"[A-Z]{3}[ABCFGHLJPTK][A-Z]\d{4}[A-Z]", ""),
    ("IS", "9" * 10, rf"[0-7]\d{_MONTH}\d{{2}}-?\d{{4}}", "is_.kennitala"),
    ("IT", "AAAAAA99A99A999A", r"[A-Z]{3} ?[A-Z]{3} ?\d{2}[ABCDEHLMPRST]\d{2} ?[A-Z]\d{3} ?[A-Z]", ""),
    ("KR", "9" * 13, rf"\d{{2}}{_MONTH}{_DAY}-[1-8]\d{{6}}", ""),
    ("LT", "9" * 11, rf"[1-6]\d{{2}}{_MONTH}{_DAY}\d{{4}}", "lt.asmens"),
    ("LV", "9" * 11, r"\d{6}-[0-2]\d{4}", ""),
    (
        "MX",
        "AAAA999999AAAAAAA9 AAAA999999AAAAAA99",
        rf"[A-Z][AEIOUX][A-Z]{{2}}\d{{2}}{_MONTH}{_DAY}[HMX][A-Z]{{5}}[A-Z0-9]\d",
        "",
    ),
    (
        "MX",
        "AAAA999999AAA AAAA999999AA9 AAAA999999A99 AAAA999999999 AAAA9999999A9 AAAA9999999AA AAAA99999999A",
        rf"[A-Z]{{4}}\d{{2}}{_MONTH}{_DAY}[A-Z0-9]{{3}}",
        "",
    ),
    ("MY", "9" * 12, rf"\d{{2}}{_MONTH}{_DAY}-\d{{2}}-\d{{4}}", ""),
    ("NO", "9" * 11, r"(?:[04][1-9]|[1256]\d|[37][01])(?:[048][1-9]|[159][0-2])\d{2}[ ]?\d{5}", "no.fodselsnummer"),
    ("PK", "9" * 13, r"\d{5}-\d{7}-\d", ""),
    ("PL", "9" * 11, rf"\d{{2}}(?:[02468][1-9]|[13579][0-2]){_DAY}\d{{5}}", "pl.pesel"),
    ("PT", "999999999AA9 99999999999 9999999999A9", r"\d{8}[ ]?\d[ ]?[A-Z0-9]{2}\d", "pt.cc"),
    ("RO", "9" * 13, rf"[1-9]\d{{2}}{_MONTH}{_DAY}\d{{6}}", "ro.cnp"),
    ("RU", "9" * 11, r"\d{3}-\d{3}-\d{3}[ -]\d{2}", ""),
    ("SE", "9999999999 999999999999", rf"(?:19|20)?\d{{2}}{_MONTH}(?:[06][1-9]|[1278]\d|[39][01])[-+]\d{{4}}", ""),
    ("SE", "999999999999", rf"(?:19|20)\d{{2}}{_MONTH}{_DAY}\d{{4}}", "se.personnummer"),
    ("SG", "A9999999A", r"[STFGM]\d{7}[A-Z]", ""),
    ("SI", "9" * 13, rf"{_DAY}{_MONTH}[09]\d{{8}}", "si.emso"),
    ("SK", "9999999999 999999999", r"\d{2}[0-35-8]\d[0-3]\d/\d{3,4}", ""),
    ("TH", "9" * 13, r"\d-\d{4}-\d{5}-\d{2}-\d", ""),
    ("TR", "9" * 11, r"[1-9]\d{10}", "tr.tckimlik"),
    ("TW", "A999999999", r"[A-Z][1289]\d{8}", ""),
    (
        "US",
        "9AA9AA9AA99 9A99AA9AA99 9AA9A99AA99 9A99A99AA99",
        r"[1-9][A-Z][A-Z\d]\d[ -]?[A-Z][A-Z\d]\d[ -]?[A-Z]{2}\d{2}",
        "",
    ),
    ("ZA", "9" * 13, rf"\d{{2}}{_MONTH}{_DAY}[ ]?\d{{4}}[ ]?[01][89]\d", "za.idnr"),
)
_SAID: tuple[tuple[Region, int, str], ...] = (
    # Region, digits, proof.
    ("AR", 8, "ar.dni"), ("AU", 9, "au.tfn"), ("BE", 11, "be.nn"), ("BG", 10, "bg.egn"), ("CA", 9, "ca.sin"),
    ("CZ", 10, "cz.rc"), ("DE", 11, "de.idnr"), ("DK", 10, "dk.cpr"), ("GB", 10, "gb.nhs"), ("GB", 10, "gb.utr"),
    ("HR", 11, "hr.oib"), ("HU", 9, ""), ("IL", 9, "il.idnr"), ("IN", 12, "in_.aadhaar"), ("JP", 12, "jp.in_"),
    ("NL", 9, "nl.bsn"), ("NZ", 9, "nz.ird"), ("PT", 9, "pt.nif"), ("RU", 12, "ru.inn"), ("SE", 10, "se.personnummer"),
    ("TH", 13, "th.pin"), ("UA", 10, "ua.rntrc"), ("US", 9, "us.ein"), ("KR", 13, ""), ("MY", 12, ""), ("CN", 18, ""),
)  # fmt: skip
_ANY_GROUPS = re.compile(r"\d(?:[ .\-/]?\d)*", re.IGNORECASE)
_ANY_LETTERS = re.compile(r"[A-Z0-9]+(?:[ .\-/][A-Z0-9]+)*", re.IGNORECASE)


def _by_shape() -> dict[str, tuple[NationalId, ...]]:
    table: dict[str, tuple[NationalId, ...]] = {}

    def put(shape: str, known: NationalId) -> None:
        table[shape] = (*table.get(shape, ()), known)

    for region, shapes, pattern, proof in _CLEAR:
        for shape in shapes.split():
            put(shape, NationalId(region, re.compile(pattern, re.IGNORECASE), proof, clear=True))
    for region, digits, proof in _SAID:
        put("9" * digits, NationalId(region, _ANY_GROUPS, proof, clear=False))
    for shape in ("A99999999", "A999999999", "AA9999999", "AAA999999", "99999999A", "A9A9A9A9A"):
        put(shape, NationalId("DE" if shape[0] == "A" else "ES", _ANY_LETTERS, "", clear=False))
    return table


NATIONAL_IDS = _by_shape()
"""By shape. Which of them count is the policy's word."""
REGIONS = frozenset(known.region for row in NATIONAL_IDS.values() for known in row)
