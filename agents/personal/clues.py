"""Words around a number that say what it is: they raise or lower its score."""

import re
from bisect import bisect_left
from typing import Literal

Clue = Literal[
    "phone", "card", "iban", "bank", "ssn", "id", "passport", "license", "birth", "tax", "wallet", "count", "version"
]
_WORDS: dict[Clue, str] = {
    "phone": """phone phones telephone tel tele telefon telefono teléfono téléfono telefone téléphone telephon telefoon
        telefonnummer telefonnr rufnummer mobile mobil mobilnummer mobiltelefon móvil movil cell cellphone cellular
        celular cellulare handy handynummer portable mob call called calling caller callback dial text texted texting
        sms txt whatsapp signal viber telegram fax telefax ring reach landline festnetz hotline voicemail fon appelle
        appeler appelez llama llame llámame ligar ligue chiama chiamami bel belt ruf anrufen zadzwoń numer komórka
        telefonu tlf puhelin puh gsm ph ext extension switchboard pager contact answering office line""",
    "card": """card cards creditcard visa mastercard amex maestro discover diners jcb debit kreditkarte karte carte
        tarjeta cartão cartao carta kaart kort karta cc ccnum pan cvv cvc""",
    "iban": "iban konto kontonummer account compte cuenta conto conta rekening konto rachunek bic swift sepa",
    "bank": """account acct acc nuban konto kontonummer kontonr compte cuenta conto conta rekening
    rekeningnummer rachunek
        routing aba sort sortcode bsb clabe blz bankleitzahl rib cbu transit ach""",
    "ssn": "ssn ssns social security itin",
    "id": """nino insurance nhs id identity identification national ausweis personalausweis personnummer svnr
        sozialversicherungsnummer versicherungsnummer rentenversicherungsnummer sécu sécurité insee nir dni nie nif
        codice fiscale bsn burgerservicenummer pesel cpf rg cnpj curp rfc rut cuit cuil sin aadhaar pan nric cpr
        fødselsnummer henkilötunnus hetu personalnummer rodné rodne oib cnp egn amka kimlik tckn emšo tfn medicare
        pps ppsn ahv avs resident rijksregisternummer niss voter ssn nin bvn ppsn hkid""",
    "passport": """passport passports ppt passeports reisepässe pasaportes reisepass pass passeport
        pasaporte passaporto paspoort passaporte paszport pasport passnummer passnr""",
    "license": """license licence licenses driver drivers driving dl dln führerschein führerscheinnummer permis
        licencia carnet patente rijbewijs prawo jazdy körkort""",
    "birth": """born birth birthday birthdate birthdates dob bday geboren geb geburtsdatum geburtstag né née naissance
        nacido nacida nacimiento nato nata nascita nascido nascida nascimento geboortedatum urodzony urodzona urodzenia
        född født syntynyt d.o.b""",
    "tax": """tax taxpayer steuer steuernummer steueridentifikationsnummer steuerid tin idnr ein utr vat ust fiscal
        impuesto nip fiscale tfn ird""",
    "wallet": """wallet btc bitcoin eth ethereum xmr monero sol solana ltc litecoin doge xrp ripple ada cardano usdt
        usdc crypto address seed mnemonic recovery coins tron trx""",
    "count": """order orders invoice ticket tracking serial sku isbn part item batch lot total amount price sum qty
        quantity eur usd gbp dollars euros timestamp epoch commit port line lines rows row bytes reference ref case
        bestellung bestellnummer rechnung rechnungsnummer auftrag commande factura facture pedido fattura faktura
        article artikel model job build pid doi issn patent art""",
    "version": "version versions v ver release released build upgrade upgraded firmware python node kernel",
}
_CLUES: dict[str, tuple[Clue, ...]] = {}
for _clue, _words in _WORDS.items():
    for _word in set(_words.split()):
        _CLUES[_word] = (*_CLUES.get(_word, ()), _clue)

_WORD = re.compile(r"[^\W\d_]+")
_HUMP = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")


def _clues_of(word: str) -> tuple[Clue, ...]:
    """Also of what is written together, as in "phoneNumber"."""
    lower = word.lower()
    if lower in _CLUES:
        return _CLUES[lower]
    if word[1:] == lower[1:]:
        return ()
    return tuple(clue for part in _HUMP.findall(word) for clue in _CLUES.get(part.lower(), ()))


class Clues:
    """The clues of one text, by where they end."""

    def __init__(self, text: str) -> None:
        self._ends: dict[Clue, list[int]] = {}
        seen: dict[str, tuple[Clue, ...]] = {}
        for match in _WORD.finditer(text):
            word = match[0]
            found = seen.get(word)
            if found is None:
                found = seen[word] = _clues_of(word)
            for clue in found:
                self._ends.setdefault(clue, []).append(match.end())

    def any(self, clue: Clue) -> bool:
        """It is somewhere."""
        return clue in self._ends

    def near(self, clue: Clue, start: int, end: int, before: int = 45, after: int = 0) -> bool:
        """One ends at most `before` characters ahead of the range, or within `after` behind it."""
        ends = self._ends.get(clue)
        if ends is None:
            return False
        at = bisect_left(ends, start - before)
        return at < len(ends) and (ends[at] <= start or self._behind(ends, end, after))

    @staticmethod
    def _behind(ends: list[int], end: int, after: int) -> bool:
        at = bisect_left(ends, end + 1)
        return at < len(ends) and ends[at] <= end + after
