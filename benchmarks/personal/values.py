"""What fills the slots of templates: a fake-data library that no rule was written against, and secrets of our own."""

import base64
import hashlib
import json
import random
import string
from urllib.parse import quote

from faker import Faker

_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_ALPHANUMERIC = string.ascii_letters + string.digits
_PASSWORDS = (
    "hunter2",
    "Tr0ub4dor&3",
    "correct-horse-7",
    "Summer2026!",
    "qwerty123",
    "9f!Kd02_xx",
    "P@ssw0rd",
    "iloveyou99",
)


class Values:
    """Values of one locale, in an order that the seed decides."""

    def __init__(self, locale: str, seed: int) -> None:
        self.locale = locale
        self._fake = Faker(locale)
        self._fake.seed_instance(seed)
        self._chance = random.Random(f"{locale}{seed}")
        self._towns: list[str] = []
        if locale == "it_IT":  # Faker has them in a set: each process in another order.
            self._towns = sorted(next(p.cities for p in self._fake.get_providers() if hasattr(p, "cities")))

    def of(self, slot: str) -> tuple[str, str | None]:
        """The value and its type; None where it is nobody's."""
        kind = _TYPES.get(slot)
        value: str = getattr(self, f"_{slot}")()
        return " ".join(value.split()) if slot != "private_key" else value, kind

    def _person(self) -> str:
        return self._fake.name()

    def _first(self) -> str:
        return self._fake.first_name()

    def _last(self) -> str:
        return self._fake.last_name()

    def _city(self) -> str:
        return self._chance.choice(self._towns) if self._towns else self._fake.city()

    def _country(self) -> str:
        return self._fake.country()

    def _street(self) -> str:
        return self._fake.street_address()

    def _postcode(self) -> str:
        return self._fake.postcode()

    def _email(self) -> str:
        return self._chance.choice((self._fake.email, self._fake.free_email, self._fake.company_email))()

    def _email_percent(self) -> str:
        return quote(self._email())

    def _phone(self) -> str:
        return self._fake.phone_number()

    def _card(self) -> str:
        digits = self._fake.credit_card_number()
        separator = self._chance.choice(("", " ", "-"))
        fours = [digits[at : at + 4] for at in range(0, len(digits), 4)]
        return separator.join(fours) if len(digits) == 16 else digits

    def _iban(self) -> str:
        number = self._fake.iban()
        return self._chance.choice((number, " ".join(number[at : at + 4] for at in range(0, len(number), 4))))

    def _ssn(self) -> str:
        return self._fake.ssn()

    def _national_id(self) -> str:
        return self._fake.nif() if self.locale == "es_ES" else self._fake.ssn()

    def _birth(self) -> str:
        day = self._fake.date_of_birth(minimum_age=18, maximum_age=90)
        return day.strftime(
            self._chance.choice(("%Y-%m-%d", "%d.%m.%Y", "%m/%d/%Y", "%d %B %Y", "%B %d, %Y", "%d/%m/%y"))
        )

    def _ip(self) -> str:
        return self._chance.choice((self._fake.ipv4, self._fake.ipv4, self._fake.ipv6))()

    def _mac(self) -> str:
        return self._fake.mac_address()

    def _order(self) -> str:
        return f"{self._chance.choice(('A-', '#', 'ORD-', ''))}{self._chance.randrange(10**5, 10**8)}"

    def _version(self) -> str:
        return f"{self._chance.randrange(20)}.{self._chance.randrange(20)}.{self._chance.randrange(200)}"

    def _money(self) -> str:
        return f"{self._chance.choice('$€£')}{self._chance.randrange(1, 90_000) / 100:,.2f}"

    def _date(self) -> str:
        return self._fake.date_object().strftime(self._chance.choice(("%Y-%m-%d", "%d.%m.%Y", "%B %d")))

    def _password(self) -> str:
        return self._chance.choice(_PASSWORDS)

    def _text(self, length: int, alphabet: str = _ALPHANUMERIC) -> str:
        return "".join(self._chance.choices(alphabet, k=length))

    def _api_key(self) -> str:
        upper = string.ascii_uppercase + string.digits
        return self._chance.choice(
            (
                lambda: f"AKIA{self._text(16, upper)}",
                lambda: f"ghp_{self._text(36)}",
                lambda: f"sk-proj-{self._text(48)}",
                lambda: f"sk-ant-api03-{self._text(60)}",
                lambda: f"AIza{self._text(35)}",
                lambda: f"sk_live_{self._text(24)}",
                lambda: f"xoxb-{self._text(12, string.digits)}-{self._text(24)}",
                lambda: f"SG.{self._text(22)}.{self._text(43)}",
                lambda: f"hf_{self._text(34)}",
                lambda: f"glpat-{self._text(20)}",
                lambda: f"npm_{self._text(36)}",
            )
        )()

    def _jwt(self) -> str:
        def part(content: dict[str, object]) -> str:
            return base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")

        return f"{part({'alg': 'HS256', 'typ': 'JWT'})}.{part({'sub': self._text(8), 'exp': 1})}.{self._text(43)}"

    def _private_key(self) -> str:
        kind = self._chance.choice(("", "RSA ", "EC ", "OPENSSH ", "ENCRYPTED "))
        body = "\n".join(self._text(64, f"{_ALPHANUMERIC}+/") for _ in range(self._chance.randrange(2, 6)))
        return f"-----BEGIN {kind}PRIVATE KEY-----\n{body}\n-----END {kind}PRIVATE KEY-----"

    def _connection(self) -> str:
        scheme = self._chance.choice(("postgres", "postgresql+psycopg", "mysql", "mongodb+srv", "redis", "amqps"))
        return f"{scheme}://{self._text(6, string.ascii_lowercase)}:{self._text(12)}@db.example.com:5432/shop"

    def _wallet(self) -> str:
        return self._chance.choice((self._bitcoin, lambda: f"0x{self._text(40, '0123456789abcdef')}"))()

    def _bitcoin(self) -> str:
        payload = b"\x00" + self._chance.randbytes(20)
        check = hashlib.sha256(hashlib.sha256(payload).digest()).digest()[:4]
        number, text = int.from_bytes(payload + check), ""
        while number:
            number, digit = divmod(number, 58)
            text = _BASE58[digit] + text
        return f"1{text}"


_TYPES = {
    "person": "PERSON",
    "first": "PERSON",
    "last": "PERSON",
    "city": "PLACE",
    "country": "PLACE",
    "street": "ADDRESS",
    "postcode": "POSTCODE",
    "email": "EMAIL",
    "email_percent": "EMAIL",
    "phone": "PHONE",
    "card": "CARD",
    "iban": "IBAN",
    "ssn": "SSN",
    "national_id": "NATIONAL_ID",
    "birth": "BIRTH_DATE",
    "ip": "IP",
    "mac": "MAC",
    "password": "PASSWORD",
    "api_key": "API_KEY",
    "jwt": "JWT",
    "private_key": "PRIVATE_KEY",
    "connection": "CONNECTION_STRING",
    "wallet": "WALLET",
}
