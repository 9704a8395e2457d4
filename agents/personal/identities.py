"""Numbers and dates by which states, registers and forms know a person."""

import re
from collections.abc import Iterator

from stdnum.us import itin, ssn

from agents.personal.national_ids import NATIONAL_IDS, NationalId
from agents.personal.reading import Reading
from agents.personal.rows import stands_alone
from agents.personal.spans import Span

_SSN_DIGITS = 9
_SSN = re.compile(r"\d{3}(?P<separator>[- .])\d{2}(?P=separator)\d{4}")


def ssns(reading: Reading) -> Iterator[Span]:
    """US social security and taxpayer numbers of an issued range; where they are called so, of any range."""
    for stretch in reading.stretches("9" * _SSN_DIGITS):
        written = reading.text[slice(*stretch)]
        shaped = _SSN.fullmatch(written) is not None
        if not (shaped or written.isdigit()):
            continue
        number = re.sub(r"\D", "", written)
        issued = shaped and (ssn.is_valid(number) or itin.is_valid(number))
        if issued or reading.clues.near("ssn", *stretch, after=15):
            yield Span(*stretch, "SSN", 0.95 if issued else 0.93, "ssn")
        elif shaped and reading.clues.near("id", *stretch, after=15):
            yield Span(*stretch, "SSN", 0.6, "ssn.said")
    for match in _LAST_FOUR.finditer(reading.text) if reading.has("last four", "last 4", "ending", "ends") else ():
        yield Span(*match.span(match.lastindex or 0), "SSN", 0.8, "ssn.last")


_LAST_FOUR = re.compile(
    r"\b(?:ssn|social(?: security)?(?: number)?) (?:ending|ends)(?: in| with)?:? (?P<ending>\d{4})(?!\d)"
    r"|\blast (?:four|4)(?: digits)? of (?:my|his|her|the|their) (?:social|ssn)(?: security)?(?: number)?\W{1,3}"
    r"(?:are |is )?(\d{4})(?!\d)",
    re.IGNORECASE,
)


def national_ids(reading: Reading) -> Iterator[Span]:
    """Those of the policy's regions."""
    asked = reading.clues.any("id") or reading.clues.any("tax")
    for shape, of_shape in NATIONAL_IDS.items():
        stretches = reading.stretches(shape)
        known = [one for one in of_shape if one.region in reading.regions] if stretches else []
        clear = [one for one in known if one.clear]
        for stretch in stretches if clear or (known and asked) else ():
            said = asked and (reading.clues.near("id", *stretch, after=15) or reading.clues.near("tax", *stretch))
            if not (said or clear):
                continue
            written = reading.text[slice(*stretch)]
            if "A" in shape and _LOOSE.search(written):
                continue
            for one in known if said else clear if stands_alone(reading.text, stretch) or "A" in shape else ():
                if one.pattern.fullmatch(written) and _is_proved(one, written, reading):
                    score = 0.92 if said else 0.4 if _is_counted(written, stretch, reading) else 0.8
                    yield Span(*stretch, "NATIONAL_ID", score, f"id.{one.region.lower()}")


def _is_counted(written: str, stretch: tuple[int, int], reading: Reading) -> bool:
    """Of an order, say: those hardly ever begin and end with a letter."""
    ends = written[0].isalpha() and written[-1].isalpha()
    return not ends and reading.clues.near("count", *stretch, before=18)


_LOOSE = re.compile(r"(?<![^\W_])[a-z]+[ ]|[ ][a-z]+(?![^\W_])")
"""A word beside a number: letters of it stand close, or are capitals."""


_CALLED = re.compile(
    r"(?<![^\W_])(?:nin|bvn|ppsn?|hkid|kra|ghana ?card|national id(?:entity)?(?: card)?|id(?:entity)? (?:card"
    r"|document|no|number|nr)"
    r"|(?:personal)?ausweis(?:nummer|nr)?|c[ée]dula|cnic|umid|nik|ktp|mykad|emirates id|iqama|aadhaar|nino"
    r"|ni number|dni|nie"
    r"|bsn|nric|fin|pesel|cpf|curp|rut|tckn|amka|oib|emso|egn|cnp|aadhar|pan card|voter(?:'s)? id|epic"
    r"|tax(?:payer)? id(?:entification)?|tin|(?:patient|medical record|health card|insurance|policy(?:holder)?|insured"
    r"|member(?:ship)?|subscriber|employee|staff|student) (?:id|no|nr|number|code|policy)|mrn"
    r"|kvnr|egk|(?:kranken)?versicherten(?:nummer|nr)|(?:t\.?c\.? )?kimlik|rrn|frn|tnin"
    r"|resident (?:registration )?number"
    r"|(?:my|his|her|their|thai|turkish|korean|chinese|indonesian|malaysian|saudi|israeli|egyptian|kenyan) id)\b\.?"
    r"(?:[ -](?:card|id|no|nr|pin|n[ou]m[^\W\d_]{2,5})){0,2}\.?"
    r"(?:\s?[:#=]| is| was| are| ist| war| est| es| era| lautet)?(?:\s|(?<=[:#=]))[#'\"\u2018\u201c(]{0,2}"
    r"(?P<number>(?-i:(?:[A-Z]{1,6}[ /.-]?|[a-z]{1,5})?\d[A-Za-z\d]{0,19}"
    r"(?:[/.-]?[A-Z]{1,3}(?![^\W_])| [A-Z](?![^\W_])"
    r"|(?:[/.-]|(?<![A-Za-z\d]{8})[ ])[A-Za-z]{0,3}\d[A-Za-z\d]{0,9}){0,8}(?:\([\dA-Z]\))?))"
    r"(?![^\W_])",
    re.IGNORECASE,
)


def called_ids(reading: Reading) -> Iterator[Span]:
    """Numbers of whatever state right behind what such a number is called."""
    for match in _CALLED.finditer(reading.text) if reading.has(*_SAY_ID) else ():
        start = match.start("number")
        number = match["number"]
        if sum(map(str.isdigit, number)) >= _FEWEST_DIGITS and len(number) >= _SHORTEST_ID:
            yield Span(start, start + len(number), "NATIONAL_ID", 0.75, "id.said")


_SHORTEST_ID = 6
_SAY_ID = (
    *("nin", "bvn", "pps", "hkid", "kra", "ghana", "national id", "id ", "identity", "ausweis", "dula", "cnic", "umid"),
    *("nik", "ktp", "mykad", "iqama", "aadhaar", "ni number", "dni", "nie", "bsn", "nric", "fin", "pesel", "cpf"),
    *("curp", "rut", "tckn", "amka", "oib", "emso", "egn", "cnp", "aadhar", "pan card", "epic", "tax", "tin"),
    *("patient", "medical record", "health card", "insurance", "policy", "insured", "member", "subscriber", "employee"),
    *("staff", "student", "mrn", "kvnr", "egk", "versicherten", "kimlik", "rrn", "frn", "tnin", "resident"),
)


def _is_proved(known: NationalId, written: str, reading: Reading) -> bool:
    return not (known.proof and reading.may_prove()) or known.is_valid(written)


_FEWEST_DIGITS = 4

_MONTH = (
    r"(?:jan|feb|f[ée]v|m[aä]r|maa?r|mai|may|maj|apr|avr|abr|jun|jui|giu|jul|lug|aug|ao[uû]|ago|sep|set|oct|okt|out|ott"
    r"|nov|dec|dez|d[ée]c|dic|gen|ene|mag|mei|sty|lut|kwi|cze|lip|sie|wrz|pa[zź]|lis|gru)[^\W\d_]{0,9}\.?"
)
_DATE = re.compile(
    r"(?<![\w.])(?:(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])"
    r"|\d{1,2}[-./ ]\d{1,2}[-./ ](?:\d{4}|\d{2})|\d{4}[-./ ]\d{1,2}[-./ ]\d{1,2}"
    rf"|\d{{1,2}}(?:st|nd|rd|th|\.|er|º)?(?: of| de)? ?[-/]?{_MONTH}(?:(?:,? | de |[-/])'?\d{{2,4}}|\d{{4}})?"
    rf"|{_MONTH} \d{{1,2}}(?:st|nd|rd|th)?(?:,? \d{{4}})?)(?![^\W_])",
    re.IGNORECASE,
)


def birth_dates(reading: Reading) -> Iterator[Span]:
    """Dates beside a word of birth. Other dates are nobody's."""
    for match in (
        _DATE.finditer(reading.text) if reading.clues.any("birth") or reading.has("d.o.b", "turn", "ur.", "b.") else ()
    ):
        said = _BORN.search(reading.text, max(0, match.start() - _WIDEST_BIRTH), match.start())
        if said or reading.clues.near("birth", *match.span(), before=30, after=20):
            yield Span(match.start(), match.end(), "BIRTH_DATE", 0.85, "birth.said")
    for match in _IN_A_ROW.finditer(reading.text):
        line = reading.text.rfind("\n", 0, match.start()) + 1
        if _NAME_CELL.search(reading.text, max(line - 1, match.start() - _ROW, 0), match.start() + 1):
            yield Span(*match.span("date"), "BIRTH_DATE", 0.55, "birth.row")


_BORN = re.compile(
    r"\b(?:(?:d\.o\.b\.?|turn(?:s|ed|ing)? \d{1,3})[^\w\n]{1,3}(?:(?:is|on|the)\s){0,2}"
    r"|(?:ur|b)\.\s?|dob\b(?:[^\n.!?]|\.\d){0,60})\Z",
    re.IGNORECASE,
)
_WIDEST_BIRTH = 66
_IN_A_ROW = re.compile(
    r"(?P<by>[,;|\t]) ?(?P<date>(?:19[2-9]\d|200\d)-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])"
    r"|(?:0?[1-9]|[12]\d|3[01])[./](?:0?[1-9]|1[0-2])[./](?:19[2-9]\d|200\d)) ?(?=(?P=by)|\n|\Z)"
)
_NAME_CELL = re.compile(r"(?:\A|[,;|\t\n]) ?[A-ZÀ-Ž][^\W\d_]{1,20}(?: [A-ZÀ-Ž][^\W\d_]{1,20}){1,3} ?(?=[,;|\t])")
_ROW = 120
"""A date that long ago in a table, beside a cell with two words with capitals, is somebody's birthday."""
