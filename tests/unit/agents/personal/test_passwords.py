import pytest

from agents.personal.no_passwords import is_none
from tests.unit.agents.personal.everything import found


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("my password is hunter2", "hunter2"),
        ("my password is banana", "banana"),
        ("Passwort: geheim", "geheim"),
        ("pwd 'correct horse'", "correct horse"),
        ("PIN 4821x", "4821x"),
        ("the pin code is 4821", "4821"),
        ("password: Tr0ub4dor&3!", "Tr0ub4dor&3!"),
        # Values that begin or end like something else.
        ("password: $ummer2024!", "$ummer2024!"),
        ("password: Getaway77!", "Getaway77!"),
        ("password: envelope9!x", "envelope9!x"),
        ("password: %Tr0ub4dor", "%Tr0ub4dor"),
        ("password: <3MyCats2024", "<3MyCats2024"),
        ("pw: [x9!kk2p", "[x9!kk2p"),
        ("password: *Xk29!pq", "*Xk29!pq"),
        ('password = "Config2024!"', "Config2024!"),
        ("the wifi password is Inputter99", "Inputter99"),
        ("the password is sterling", "sterling"),
        # Other words for it.
        ("my pasword is Bluebird!42", "Bluebird!42"),
        ("the passwd's letmein77", "letmein77"),
        ("the passwd's banana", "banana"),
        ("admin pass on the nas = banana", "banana"),
        ("pwd for the vpn is banana", "banana"),
        ("OTP 482913", "482913"),
        ("gate code 4821", "4821"),
        ("dbPassword: banana", "banana"),
        ("пароль: Qwerty123", "Qwerty123"),
        ("clave: banana", "banana"),
        ("我的密码是 Xyx12345", "Xyx12345"),
        ("passphrase: correct horse battery staple", "correct horse battery staple"),
        # Commands.
        ("curl -u xyxyx:wonder https://a.b", "wonder"),
        ("svc --user xyxyx:wonder1", "wonder1"),
        ("mysql -u root -pxyzzy42", "xyzzy42"),
        ("mysql -u root -p'xyz zy'", "xyz zy"),
        ('sshpass -p "xyzzy!" ssh h', "xyzzy!"),
        ("run --password hushhush", "hushhush"),
        ("creds - root:toor99", "toor99"),
        ("Wifi: network Xyxyx, key a8d9fk2mzq", "a8d9fk2mzq"),
    ],
)
def test_finds(text: str, value: str):
    assert found(text) == [("PASSWORD", value)]


@pytest.mark.parametrize(
    "text",
    [
        "my password is wrong.",
        "my password is working now",
        "the password is stored in the vault",
        "the password is transmitted to the server",
        "password: required",
        "password = os.environ['X']",
        "password = ${DB_PASSWORD}",
        "password: $DB_PASSWORD",
        "password: {{ db_password }}",
        "password: <password>",
        "password: [hidden]",
        "password = getpass()",
        "password = settings.db.password",
        "password: ...",
        "password: ********",
        "password reset mail",
        "the pin fell",
        "my passphrase is something that nobody knows",
        "my password is what they use here",
        "Password: must not be the same",
        "my password is that the not be the same",
        "run --password $PASS_WORD",
        "docker run -u node:node x",
        "docker run -u node:${X_Y_Z} x",
        "login page: reset/confirm",
        "creds: user:password",
        "sshpass -p $SSH_PASSWORD ssh h",
    ],
)
def test_leaves_alone(text: str):
    assert found(text) == []


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('"apiKey": "9f8e7d6c5b4a39281706"', "9f8e7d6c5b4a39281706"),
        ("aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPx", "wJalrXUtnFEMI/K7MDENG/bPx"),
    ],
)
def test_finds_keys(text: str, value: str):
    assert found(text) == [("API_KEY", value)]


@pytest.mark.parametrize(
    "text", ["token: none", "the token is expired", "secret: f(1234567)", "skipping this one-off-thing"]
)
def test_leaves_what_is_no_key(text: str):
    assert found(text) == []


def test_what_has_been_said_is_found_again():
    text = "the password is hunter2blue. i typed (hunter2blue) twice, then hunter2blu"
    assert found(text) == [("PASSWORD", "hunter2blue")] * 2
    assert found("the password is banana. bananas: banana") == [("PASSWORD", "banana")]
    assert found("my pw is abc12!xy! ok? abc12!xy!") == [("PASSWORD", "abc12!xy!")] * 2


def test_said_with_a_verb_more_is_no_password():
    assert is_none("strong", said=True)
    assert not is_none("strong")
    assert is_none("computed", " from x", said=True)
    assert not is_none("computed", ". ok", said=True)


@pytest.mark.parametrize(
    ("behind", "value"),
    [("W!nter2024.", ["W!nter2024"]), ("Marketing", []), ("b.berg1@example.com", []), ("+44 7700 900123", [])],
)
def test_what_opens_it_stands_behind_an_address(behind: str, value: list[str]):
    assert [one for kind, one in found(f"exposed: anna@example.com / {behind}") if kind == "PASSWORD"] == value
