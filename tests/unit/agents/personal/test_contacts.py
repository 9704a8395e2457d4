import pytest

from tests.unit.agents.personal.everything import found


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("write to jane.doe+x@example.co.uk today", "jane.doe+x@example.co.uk"),
        ("jane.doe@icloud,com is mine", "jane.doe@icloud,com"),
        ("it is jane.doe@example .com ok", "jane.doe@example .com"),
        ("jane@localhost is my login", "jane@localhost"),
        ('"xyxyx blargon"@example.com', '"xyxyx blargon"@example.com'),
        ("jane underscore doe at gmail.com", "jane underscore doe at gmail.com"),
        ("jane.doegmail.com (forgot the at)", "jane.doegmail.com"),
        ("<jane_doe@example.com>, please", "jane_doe@example.com"),
        ("_jane@example.com_ in italics", "_jane@example.com"),
        ("it's 'jane@example.com'.", "jane@example.com"),
        ("mailto:jane@example.com?subject=hi", "jane@example.com"),
        ("o'neil@example.ie", "o'neil@example.ie"),
        ("jürgen@bücher.example.de", "jürgen@bücher.example.de"),
        ("info@xn--bcher-kva.xn--p1ai", "info@xn--bcher-kva.xn--p1ai"),
        ("root@[192.168.0.1] and", "root@[192.168.0.1]"),
        ("jane%40example.com", "jane%40example.com"),
        ("jane%2540example%252Ecom", "jane%2540example%252Ecom"),
        ("jane&#64;example.com", "jane&#64;example.com"),
        ('{"mail": "jane\\u0040example.com"}', "jane\\u0040example.com"),
        ("jane [at] example.com", "jane [at] example.com"),
        ("jane(at)example(dot)com", "jane(at)example(dot)com"),
        ("jane (dot) doe (at) example (dot) co.uk, ok", "jane (dot) doe (at) example (dot) co.uk"),
        ("at jane [at] example [dot] co [dot] za", "jane [at] example [dot] co [dot] za"),
        ("the bill at jane dot doe at example dot org", "jane dot doe at example dot org"),
        ("john dot smith at gmail dot com", "john dot smith at gmail dot com"),
        ("john.smith at gmail.com please", "john.smith at gmail.com"),
        ("jane @ example.com", "jane @ example.com"),
        ("j\u200bane@ex\u00adample.com", "j\u200bane@ex\u00adample.com"),
        ("j\u0430ne@ex\u0430mple.com (Cyrillic)", "j\u0430ne@ex\u0430mple.com"),
        ("ｊａｎｅ＠ｅｘａｍｐｌｅ．ｃｏｍ", "ｊａｎｅ＠ｅｘａｍｐｌｅ．ｃｏｍ"),
    ],
)
def test_finds_mail_addresses(text: str, address: str):
    assert found(text) == [("EMAIL", address)]


@pytest.mark.parametrize(
    "text",
    [
        "npm i lodash@4.17.21",
        "look at github.com",
        "open mail.yahoo.com",
        "root@localhost",
        "be there at 5 dot",
        "a @ b",
        "my handle is @xyxyx.blargon",
        "@.",
        "--@example.com",
    ],
)
def test_leaves_what_is_no_mail_address(text: str):
    assert found(text) == []


@pytest.mark.parametrize(
    ("text", "kind", "address"),
    [
        ("host 192.168.17.4 is down", "IP", "192.168.17.4"),
        ("010.001.002.003 was seen", "IP", "010.001.002.003"),
        ("curl http://10.0.0.7:8080/x", "IP", "10.0.0.7"),
        ("host 2001:db8::8a2e:370:7334 is down", "IP", "2001:db8::8a2e:370:7334"),
        ("net fe80::1: up", "IP", "fe80::1"),
        ("route 2001:db8:: there", "IP", "2001:db8::"),
        ("host 192[.]168[.]17[.]4 is down", "IP", "192[.]168[.]17[.]4"),
        ("net fe80::1%eth0 up", "IP", "fe80::1%eth0"),
        ("mac address: 001A2B3C4D5E", "MAC", "001A2B3C4D5E"),
        ("001A2B3C4D5E mac address", "MAC", "001A2B3C4D5E"),
        ("nic 00:1A:2b:3c:4d:5e", "MAC", "00:1A:2b:3c:4d:5e"),
        ("BT addr 7CD1C3-88E40A", "MAC", "7CD1C3-88E40A"),
        ("nic 001A.2b3c.4d5e", "MAC", "001A.2b3c.4d5e"),
    ],
)
def test_finds_addresses_of_machines(text: str, kind: str, address: str):
    assert found(text) == [(kind, address)]


@pytest.mark.parametrize(
    "text",
    [
        "the time is 12:30:45 today",
        "version 1.2.3.4 is out",
        "version 1.2.3.4.5 is out",
        "999.999.999.999",
        "std::vector and a::b",
        "1:2:3:4:5:6:7:8:9",
    ],
)
def test_leaves_what_is_no_address_of_a_machine(text: str):
    assert found(text) == []
