"""Personal values that exist nowhere else, one of each type in every message."""

import base64
import hashlib
import json
from dataclasses import dataclass
from itertools import product

from stdnum import iban, luhn

GIVEN = ("Olivia", "Benjamin", "Charlotte", "Theodore", "Isabella", "Sebastian", "Margaret", "Frederick", "Catherine")
SURNAMES = ("Henderson", "Kowalski", "Fernandez", "MacDonald", "Whitaker", "Lindqvist", "Okonkwo", "Papadopoulos")
STREETS = ("Maple", "Chestnut", "Willow", "Juniper", "Sycamore", "Hawthorn", "Magnolia", "Cypress", "Hickory")
NAMES = [f"{given} {surname}" for given, surname in product(GIVEN, SURNAMES)]


@dataclass(frozen=True)
class Canary:
    """One message's values by type."""

    values: dict[str, str]

    @property
    def text(self) -> str:
        """As somebody might write them."""
        v = self.values
        return (
            f"My name is {v['PERSON']} and I live at {v['ADDRESS']}. Write to {v['EMAIL']} or call {v['PHONE']}.\n"
            f"Card {v['CARD']}, IBAN {v['IBAN']}, SSN {v['SSN']}.\n"
            f"I came from {v['IP']} with {v['MAC']}, wallet {v['WALLET']}.\n"
            f"The token is {v['API_KEY']}, or {v['JWT']}; my password: {v['PASSWORD']}\n"
            f"Database: {v['CONNECTION_STRING']}"
        )


def canary(number: int) -> Canary:
    """The same for the same number. At most 72."""
    digest = hashlib.sha256(f"canary {number}".encode()).hexdigest()
    digits = str(int(digest, 16))
    letters = base64.b32encode(bytes.fromhex(digest)).decode().rstrip("=")
    card = "4" + digits[:14]
    account = digits[20:34]
    name = NAMES[number]
    claims = base64.urlsafe_b64encode(json.dumps({"sub": digest[:20]}).encode()).decode().rstrip("=")
    return Canary(
        {
            "PERSON": name,
            "ADDRESS": f"{1000 + number} {STREETS[number % len(STREETS)]} Street",
            "EMAIL": f"c{digest[:10]}@mail{number}.example.org",
            "PHONE": f"+1 650-253-{1000 + number * 37 % 9000:04d}",
            "CARD": card + luhn.calc_check_digit(card),
            "IBAN": f"DE{iban.calc_check_digits(f'DE00{digits[40:58]}')}{digits[40:58]}" if account else "",
            "SSN": f"{123 + number}-{10 + number % 80}-{1000 + int(digits[:3])}",
            "IP": f"203.0.{100 + number}.{1 + int(digits[4:6])}",
            "MAC": ":".join(digest[at : at + 2] for at in range(0, 12, 2)),
            "WALLET": "0x" + digest[:40],
            "API_KEY": "ghp_" + letters[:36],  # nosecret
            "JWT": f"eyJhbGciOiJIUzI1NiJ9.{claims}.{letters[:43]}",
            "PASSWORD": f"Xk{digest[20:30]}!",
            "CONNECTION_STRING": f"postgres://app:{digest[30:44]}@db{number}.internal.example:5432/chat",
        }
    )
