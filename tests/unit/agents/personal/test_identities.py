import pytest

from agents.personal.policy import Policy, Rule
from tests.unit.agents.personal.everything import found


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ('"birthDate":"19840312"', "BIRTH_DATE", "19840312"),
        ("birth date 12 Mar '84", "BIRTH_DATE", "12 Mar '84"),
        ("7;Xyxyx Blargon;1984-02-11;ok", "BIRTH_DATE", "1984-02-11"),
        ("last four of my social are 6789", "SSN", "6789"),
        ("Medicare 1EG4-TE5-MK73", "NATIONAL_ID", "1EG4-TE5-MK73"),
        ("ssn 536-90-4399.", "SSN", "536-90-4399"),
        ("my ID: 926-22-4393", "SSN", "926-22-4393"),
        ("it was 536 90 4399", "SSN", "536 90 4399"),
        ("SSN: 536904399", "SSN", "536904399"),
        ("social security 000-12-3456", "SSN", "000-12-3456"),
        ("I am QQ 12 34 56 C", "NATIONAL_ID", "QQ 12 34 56 C"),
        ("RSSMRA85T10A562S", "NATIONAL_ID", "RSSMRA85T10A562S"),
        ("12345678Z", "NATIONAL_ID", "12345678Z"),
        ("x1234567l", "NATIONAL_ID", "x1234567l"),
        ("1 85 05 78 006 084 36", "NATIONAL_ID", "1 85 05 78 006 084 36"),
        ("cpf 390.533.447-05", "NATIONAL_ID", "390.533.447-05"),
        ("44051401359", "NATIONAL_ID", "44051401359"),
        ("Steuer-ID 36 574 261 809", "NATIONAL_ID", "36 574 261 809"),
        ("ausweis nr L01234567", "NATIONAL_ID", "L01234567"),
        ("passport no. C01X00T47", "PASSPORT", "C01X00T47"),
        ("passport number 123456789 expires", "PASSPORT", "123456789"),
        ("driver's license D123-4567-8901", "DRIVER_LICENSE", "D123-4567-8901"),
        ("DOB: 12/03/1985", "BIRTH_DATE", "12/03/1985"),
        ("born on March 3rd, 1990", "BIRTH_DATE", "March 3rd, 1990"),
        ("geboren am 3. März 1990", "BIRTH_DATE", "3. März 1990"),
        ("né le 12 février 1988", "BIRTH_DATE", "12 février 1988"),
        ("1985-03-12 is my birthday", "BIRTH_DATE", "1985-03-12"),
        ("Xyxyx Blargon, ur. 11.05.1946, tel.", "BIRTH_DATE", "11.05.1946"),
        ("new: Xyxyx b. 1988/05/16", "BIRTH_DATE", "1988/05/16"),
        ("my dob is wrong on the card, should be 03.10.88", "BIRTH_DATE", "03.10.88"),
        ("TX DL 36555141,", "DRIVER_LICENSE", "36555141"),
        ("ppt C7749368 | seat", "PASSPORT", "C7749368"),
        ("two passports (533353605 UK)", "PASSPORT", "533353605"),
        ("my passport number is 533401234, please remember it", "PASSPORT", "533401234"),
        ("my driver's license is D1234567", "DRIVER_LICENSE", "D1234567"),
        ("passport 533401234 exp 2030", "PASSPORT", "533401234"),
        ("MY PASSPORT IS 533401234", "PASSPORT", "533401234"),
        ("passport c01x00t47 is mine", "PASSPORT", "c01x00t47"),
        ("passport T 1496827", "PASSPORT", "T 1496827"),
        ("licence MORGA 657054 SM9IJ 31, and", "DRIVER_LICENSE", "MORGA 657054 SM9IJ 31"),
        ("license F255-921-50-094-0", "DRIVER_LICENSE", "F255-921-50-094-0"),
        ("DL MH12 20110068523", "DRIVER_LICENSE", "MH12 20110068523"),
        ("Licence: 36555141", "DRIVER_LICENSE", "36555141"),
        ("my national id was 55127781 exp 2030", "NATIONAL_ID", "55127781"),
        ("D.O.B. 19/09/1955", "BIRTH_DATE", "19/09/1955"),
        ("she turned 40 on 12/03/1985", "BIRTH_DATE", "12/03/1985"),
        ("DOB 11Feb1990", "BIRTH_DATE", "11Feb1990"),
        ("name,town\nXyxyx Blargon,1983-12-01,Z", "BIRTH_DATE", "1983-12-01"),
        ("ssn ending in 4321", "SSN", "4321"),
        ("ref QQ123456C is it", "NATIONAL_ID", "QQ123456C"),
        ("my NIN is 70123456789", "NATIONAL_ID", "70123456789"),
        ("BVN: 22334455667", "NATIONAL_ID", "22334455667"),
        ("HKID A123456(3)", "NATIONAL_ID", "A123456(3)"),
        ("Ghana card GHA-712345678-9", "NATIONAL_ID", "GHA-712345678-9"),
        ("national id no. 5512 7781 for me", "NATIONAL_ID", "5512 7781"),
        ("his Aadhar number '98765400000071'", "NATIONAL_ID", "98765400000071"),
        ("Patient ID AHC-0933289 was filed", "NATIONAL_ID", "AHC-0933289"),
        ("insurance policy #88291-LK", "NATIONAL_ID", "88291-LK"),
        ("eGK-Nummer M123456785 bitte", "NATIONAL_ID", "M123456785"),
        ("TC Kimlik No: 10000000146", "NATIONAL_ID", "10000000146"),
        ("her id is 1234567890121", "NATIONAL_ID", "1234567890121"),
        ("morga657054sm9ij", "DRIVER_LICENSE", "morga657054sm9ij"),
        ("it says FO999512018AA1AB on it", "DRIVER_LICENSE", "FO999512018AA1AB"),
        ("MRN: 4420219", "NATIONAL_ID", "4420219"),
        ("employee number 127854", "NATIONAL_ID", "127854"),
        ("tax id 94-2841935", "NATIONAL_ID", "94-2841935"),
    ],
)
def test_finds(text: str, kind: str, value: str):
    assert found(text) == [(kind, value)]


@pytest.mark.parametrize(
    "text",
    [
        "7;order;1984-02-11;ok",
        "Xyxyx Blargon, 1984-02-11 was it",
        "000-12-3456",
        "536904399",
        "12345678A",
        "we met on 12/03/1985",
        "my passport is at home",
        "passport: 12 people here",
        "born and bred in the north, and since then, as it happens, 12/03/1985",
        "pass 2 more",
        "order 44051401359",
        "MORGA657054SM9IJX",
        "MORG657054SM9IJ",
        "MORGA617054SM9IJ",
        "FO9512018AA1AB",
        "patient 2 of 4 in room 4410219",
        "the insurance policy of 2019",
        "employee no 12 of the month",
        "pay id is 0491 570",
        "id card no 12 of mine",
        "he turned 12/03/1985",
        "MIT license 2020-2024",
        "the software license costs 1299 dollars",
        "the software license of project 20394858",
        "Apache license 2.0 from 2004",
        "i renewed my passport in 2019",
        "I RENEWED MY PASSPORT IN 2019",
        "my passport expires 2030-05-01 and costs 82.50",
        "my passport expired on the 12th 2019, 30kg ago",
        "passport photo for the order 1234567",
        "passport no 12345",
        "my passport is at home, and a long while later something else is 1234567",
        "passport ABCDE1",
        "123456789",
    ],
)
def test_leaves_alone(text: str):
    assert found(text) == []


def test_national_numbers_are_those_of_the_regions():
    italian = Policy(name="it", regions=("IT",), types={"NATIONAL_ID": Rule()})
    assert found("RSSMRA85T10A562S 12345678Z", italian) == [("NATIONAL_ID", "RSSMRA85T10A562S")]


def test_where_proofs_run_out_the_look_is_enough():
    polish = Policy(name="pl", regions=("PL",), types={"NATIONAL_ID": Rule()})
    assert found("44051401358", polish) == []
    assert found("44051401358, " * 500, polish)[-1] == ("NATIONAL_ID", "44051401358")
