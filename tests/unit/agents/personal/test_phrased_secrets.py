import pytest

from tests.unit.agents.personal.everything import found


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("forgot the password. the last one i had was Xyxyx$42 but no", "Xyxyx$42"),
        ("I typed Xyxyx$42 as my password", "Xyxyx$42"),
        ("4471 is my pin", "4471"),
        ("I am using 8588 as pin since", "8588"),
        ("log in as nurse.xyxyx with Ward8Night!", "Ward8Night!"),
        ("memorable word: biscuit", "biscuit"),
        ("my secret question answer is Fluffy", "Fluffy"),
        ("the lockbox is at the back, code 9492#", "9492#"),
        ("code porte 47A19", "47A19"),
        ("Türcode: 4711", "4711"),
        ("server 1 (root/Stork-on-Stilts)", "Stork-on-Stilts"),
        ("wifi: Xyxyx-77 / kd83nfk2la", "kd83nfk2la"),
        ("your code is 883 920", "883 920"),
        ("2FA backup code: 8f3k-29xm", "8f3k-29xm"),
        ("login: parent.xyxyx3 / Xyxyx2Blargon", "Xyxyx2Blargon"),
        ("set the password to Xyxyx4ever now", "Xyxyx4ever"),
        ("mot de passe c'est Xyxyx88", "Xyxyx88"),
        ("code for the gate is 1290", "1290"),
        ("code to the front door: 5582#", "5582#"),
        ('the old password, it was "MoonRiver88"', "MoonRiver88"),
        ("Xyxyx88 is my password for the shop", "Xyxyx88"),
    ],
)
def test_finds_passwords(text: str, value: str):
    assert ("PASSWORD", value) in found(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("license key VK7JG-NPHTM-C97JM-9MPGT", "VK7JG-NPHTM-C97JM-9MPGT"),
        ("auth_token 9d0b61fe7a2c48835e17c4f0a6d29b83 it", "9d0b61fe7a2c48835e17c4f0a6d29b83"),
        ("client secret b7Q~x9LmN2pRsT4vWyZ1aBcDeFgH", "b7Q~x9LmN2pRsT4vWyZ1aBcDeFgH"),
    ],
)
def test_finds_keys(text: str, value: str):
    assert ("API_KEY", value) in found(text)


@pytest.mark.parametrize(
    "text",
    [
        "the password was fine. it was a long day in 2024",
        "take this as your password",
        "change the password to something else",
        "my secret answer is unknown",
        "the door is open, code review at 10",
        "server a (root/etc)",
        "wifi: speed / throughput",
        "your code is bad",
        "the licence key is missing",
        "version2 is the password format",
        "iPhone15 is the password manager's host",
        "utf8mb4 is the password encoding",
        "your order code is 558812",
        "your discount code: 123456",
    ],
)
def test_leaves_what_is_none(text: str):
    assert found(text) == []
