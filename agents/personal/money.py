"""Payment cards, bank accounts, wallets of crypto-currencies."""

import re
from collections.abc import Iterator

from stdnum import bitcoin, iban, luhn
from stdnum.us import rtn

from agents.personal.reading import Reading
from agents.personal.spans import Span

_SEPARATORS = re.compile(r"[ .-]")
_ISSUERS = re.compile(r"[3456]|2[2-7]|1800")
_CODE = re.compile(
    r"\b(?:cvv|cvc|cvn|csc|cvv2|cvc2|security code)\b\W{0,3}(?:is |ist )?\W{0,2}(\d{3,4})(?!\w)", re.IGNORECASE
)
_FEWEST, _MOST = 13, 19
_GROUPED = re.compile(
    r"\d+|\d{4}(?:(?P<separator>[ .-])\d{4}){2,3}(?:(?P=separator)\d{1,4})?|\d{4}[ .-]\d{6}[ .-]\d{4,5}"
)


_SPLIT = re.compile(
    r"(?<![\w.-])(?:\d{4}(?:[ _/.\t-]{1,3}|[ >]{0,2}\n[ >]{0,3})){3}\d{4}(?![\w-])"
    r"|(?<![\w.-])\d{4}[ _/\n\t-]{1,3}\d{6}[ _/\n\t-]{1,3}\d{5}(?![\w-])"
)
"""Groups with more between them than numbers have elsewhere: two spaces, a line's end."""
_ONE_BY_ONE = re.compile(r"(?<![\w.-])\d(?:[ -]\d(?!\w)){11,}+")
_LAST_FOUR = re.compile(
    r"\b(?:card|visa|mastercard|amex|debit|credit|karte|carte|tarjeta)\b[^\n\d]{0,20}\b(?:ending|ends"
    r"|last (?:four|4)(?: digits)?)"
    r"(?: are| is| in| with)?:? (\d{4})(?!\d)",
    re.IGNORECASE,
)


def cards(reading: Reading) -> Iterator[Span]:
    """12 to 19 digits that pass Luhn (ISO/IEC 7812-1); in clear context also mistyped ones. Codes of cards."""
    for length in range(_FEWEST - 1, _MOST + 1):
        for stretch in reading.stretches("9" * length):
            said = reading.clues.near("card", *stretch)
            if not said and (length < _FEWEST or not _ISSUERS.match(reading.text, stretch[0])):
                continue
            written = reading.text[slice(*stretch)]
            if _GROUPED.fullmatch(written):
                score, detector = _card_score(_SEPARATORS.sub("", written), reading, said=said)
                yield Span(*stretch, "CARD", score, detector)
    for pattern in (_SPLIT, _ONE_BY_ONE):
        for match in pattern.finditer(reading.text):
            digits = re.sub(r"\D", "", match[0])
            if len(digits) > _MOST:
                continue
            score, detector = _card_score(digits, reading, said=reading.clues.near("card", *match.span(), after=20))
            yield Span(*match.span(), "CARD", score, detector)
    for pattern, needed in ((_CODE, ("cv", "csc", "code")), (_LAST_FOUR, ("ending", "ends", "last"))):
        for match in pattern.finditer(reading.text) if reading.has(*needed) else ():
            yield Span(*match.span(1), "CARD", 0.8, "card.code")


def _card_score(digits: str, reading: Reading, *, said: bool) -> tuple[float, str]:
    issued = _ISSUERS.match(digits) is not None and len(digits) >= _FEWEST
    if (issued or said) and (not reading.may_prove() or luhn.is_valid(digits)):
        return (1.0 if issued else 0.9), "card.luhn"
    return (0.6 if said and len(digits) >= _FEWEST else 0.0), "card.said"


_IBAN = re.compile(r"(?<![^\W_])[A-Za-z]{2}[ -]?\d{2}(?:[ ._/\n-]{0,2}[A-Za-z0-9]){11,30}(?![^\W_])")
_BREAK = re.compile(r"[ ._/\n-]{1,2}")
_SHORTEST_IBAN = 15


def ibans(reading: Reading) -> Iterator[Span]:
    """ISO 13616 by its check digits. A word after the number is left out again."""
    for match in _IBAN.finditer(reading.text):
        start, end = match.span()
        compact = _BREAK.sub("", match[0])
        if reading.may_prove():
            proved = _proved_iban(reading.text, start, end)
            if proved:
                yield Span(start, proved, "IBAN", 1.0, "iban.mod97")
                continue
        elif sum(character.isdigit() for character in compact) > len(compact) // 2:
            yield Span(start, end, "IBAN", 0.6, "iban.unproved")
            continue
        written = match[0][:2].isupper() or match[0][2].isdigit()
        if (
            written
            and reading.clues.near("iban", start, end)
            and sum(c.isdigit() for c in compact) > _SHORTEST_IBAN // 2
        ):
            yield Span(start, end, "IBAN", 0.6, "iban.said")


def _proved_iban(text: str, start: int, end: int) -> int:
    """Where it ends; 0 where it is none."""
    while end - start >= _SHORTEST_IBAN:
        if iban.is_valid(_BREAK.sub("", text[start:end]), check_country=False):
            return end
        end = start + max((m.start() for m in _BREAK.finditer(text[start:end])), default=0)
    return 0


_ACCOUNT = re.compile(r"(?<!\w)(?<!\w[-./])(?:\d{2}-\d{2}-\d{2}|\d(?:[ -]?\d){5,19})(?![^\W_]|[-./]\d)")
_BIC = re.compile(r"(?<!\w)[A-Za-z]{6}[A-Za-z0-9]{2}(?:[A-Za-z0-9]{3})?(?!\w)")
_CALLED_BIC = re.compile(r"\b(?:bic|swift)\b", re.IGNORECASE)
_IFSC = re.compile(r"\bifsc(?: code| no)?\b\W{0,3}(?:is )?([a-z]{4}0[a-z0-9]{6})(?!\w)", re.IGNORECASE)
_ACCOUNT_SAID = re.compile(
    r"(?<!\w)a/c\.?(?: (?:no\.?|number|num|nr))?\s?[:#]?\s?(\d(?:[ -]?\d){5,19})(?![^\W_])", re.IGNORECASE
)
_ACCOUNT_NAMED = re.compile(
    r"(?<![^\W_])acc(?:oun)?t\.? (?:no\.?|nr\.?|num(?:ber)?)(?: is| was)?\s?[:#]?\s?['\"\u2018\u201c(]?"
    r"(?P<number>(?-i:[A-Z]{0,10}\d[A-Z\d]{5,20}))(?![^\W_])",
    re.IGNORECASE,
)
"""Some banks' accounts have letters."""
_UPI = re.compile(
    r"(?<![\w.-])[\w.-]{2,60}@(?:ok(?:hdfcbank|icici|axis|sbi)|ybl|ibl|axl|upi|paytm|apl|ptsbi|pthdfc|ptaxis|ptyes|sbi|icici"
    r"|hdfcbank|axisbank|kotak|yesbank|barodampay|cnrb|pnb)(?![\w.-]|\.\w)",
    re.IGNORECASE,
)
"""Addresses of India's payments (NPCI's list of handles)."""
_NEW_ZEALAND = re.compile(r"(?<![\w-])(?:0[1-9]|[12]\d|3[0-8])-\d{4}-\d{7}-\d{2,3}(?![\w-])")
"""Bank, branch, account and suffix, as nothing else is written."""
_ROUTING_DIGITS = 9


def bank_accounts(reading: Reading) -> Iterator[Span]:
    """Account, routing and sort numbers have no look of their own: only where the words around say so."""
    for match in _ACCOUNT.finditer(reading.text) if reading.clues.any("bank") else ():
        start, end = match.span()
        if not reading.clues.near("bank", start, end, before=30):
            continue
        digits = _SEPARATORS.sub("", match[0])
        proved = len(digits) == _ROUTING_DIGITS and rtn.is_valid(digits)
        yield Span(start, end, "BANK_ACCOUNT", 0.9 if proved else 0.75, "bank.said")
    for match in _BIC.finditer(reading.text) if reading.has("bic", "swift") else ():
        code = match[0]
        shaped = code.isupper() or any(character.isdigit() for character in code)
        if shaped and _CALLED_BIC.search(reading.text, max(0, match.start() - 30), match.start()):
            yield Span(match.start(), match.end(), "BANK_ACCOUNT", 0.7, "bank.bic")
    for match in _NEW_ZEALAND.finditer(reading.text):
        yield Span(match.start(), match.end(), "BANK_ACCOUNT", 0.8, "bank.nz")
    for match in _ACCOUNT_SAID.finditer(reading.text) if reading.has("a/c") else ():
        yield Span(*match.span(1), "BANK_ACCOUNT", 0.75, "bank.said")
    for match in _ACCOUNT_NAMED.finditer(reading.text) if reading.clues.any("bank") else ():
        yield Span(*match.span("number"), "BANK_ACCOUNT", 0.75, "bank.said")
    for match in _UPI.finditer(reading.text) if reading.has("@") else ():
        yield Span(match.start(), match.end(), "BANK_ACCOUNT", 0.75, "bank.upi")
    for match in _IFSC.finditer(reading.text) if reading.has("ifsc") else ():
        yield Span(*match.span(1), "BANK_ACCOUNT", 0.85, "bank.ifsc")


_ETHEREUM = re.compile(r"(?<!\w)0x[0-9A-Fa-f]{40}(?!\w)")
_BITCOIN = re.compile(r"(?<!\w)(?:[13][1-9A-HJ-NP-Za-km-z]{25,34}|(?:bc1|BC1)[02-9AC-HJ-NP-Zac-hj-np-z]{11,71})(?!\w)")
_SHAPED = re.compile(
    r"(?<!\w)(?:ltc1[02-9ac-hj-np-z]{25,71}|addr1[02-9ac-hj-np-z]{50,110}|stake1[02-9ac-hj-np-z]{50,60}"
    r"|(?:cosmos|osmo|terra|juno)1[02-9ac-hj-np-z]{38,58}|tb1[02-9ac-hj-np-z]{25,71}"
    r"|[48][1-9A-HJ-NP-Za-km-z]{94}(?:[1-9A-HJ-NP-Za-km-z]{11})?|T[1-9A-HJ-NP-Za-km-z]{33}"
    r"|D[5-9A-HJ-NP-U][1-9A-HJ-NP-Za-km-z]{32}|r[1-9A-HJ-NP-Za-km-z]{24,34}|[LM][1-9A-HJ-NP-Za-km-z]{26,33}"
    r"|(?:xprv|xpub|ypub|zpub|zprv)[1-9A-HJ-NP-Za-km-z]{100,112})(?!\w)"
)
_ANY_BASE58 = re.compile(r"(?<!\w)[1-9A-HJ-NP-Za-km-z]{32,44}(?!\w)")
_SEED = re.compile(
    r"\b(?:seed|recovery|mnemonic|backup|secret)(?: (?:phrase|words|seed))?\b[^\w\n]{0,4}(?:(?:is|are)\b[^\w\n]{0,4})?"
    r"((?:[a-z]{3,8}[ ,]{1,2}){11,23}[a-z]{3,8})\b",
    re.IGNORECASE,
)


def wallets(reading: Reading) -> Iterator[Span]:
    """Addresses by their checks or their look, and the words that open a wallet."""
    text = reading.text
    yield from (Span(m.start(), m.end(), "WALLET", 0.95, "wallet.ethereum") for m in _ETHEREUM.finditer(text))
    for match in _BITCOIN.finditer(text):
        proved = not reading.may_prove() or bitcoin.is_valid(match[0])
        if proved or reading.clues.near("wallet", *match.span(), after=20):
            yield Span(match.start(), match.end(), "WALLET", 0.95 if proved else 0.7, "wallet.bitcoin")
    for pattern in (_SHAPED, _ANY_BASE58):
        for match in pattern.finditer(text):
            if _is_mixed(match[0]):
                said = reading.clues.near("wallet", *match.span(), after=20)
                score = 0.85 if said else 0.6 if pattern is _SHAPED else 0.3
                yield Span(match.start(), match.end(), "WALLET", score, "wallet.shape")
    yield from (Span(*m.span(1), "WALLET", 0.9, "wallet.seed") for m in _SEED.finditer(text))


def _is_mixed(text: str) -> bool:
    """Digits and letters of both cases, or a checked form in one case: no word of a language."""
    return any(character.isdigit() for character in text)
