import pytest

from agents.personal.policy import Policy, Rule
from tests.unit.agents.personal.everything import found

SEED = "abandon ability able about above absent absorb abstract absurd abuse access accident"


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("card 4111 1111 1111 1111.", "CARD", "4111 1111 1111 1111"),
        ("paid with 5500-0000-0000-0004", "CARD", "5500-0000-0000-0004"),
        ("amex 3782 822463 10005", "CARD", "3782 822463 10005"),
        ("4111  1111  1111  1111", "CARD", "4111  1111  1111  1111"),
        ("4111_1111_1111_1111", "CARD", "4111_1111_1111_1111"),
        ("4111/1111/1111/1111", "CARD", "4111/1111/1111/1111"),
        ("my card 4111 1111\n1111 1111", "CARD", "4111 1111\n1111 1111"),
        ("card 4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1", "CARD", "4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1"),
        ("my card ending in 4242", "CARD", "4242"),
        ("IBAN:DE89.3704.0044.0532.0130.00", "IBAN", "DE89.3704.0044.0532.0130.00"),
        ("DE89  3704  0044\n0532  0130  00", "IBAN", "DE89  3704  0044\n0532  0130  00"),
        ("IFSC HDFC0001234", "BANK_ACCOUNT", "HDFC0001234"),
        ("a/c no 50100234567890", "BANK_ACCOUNT", "50100234567890"),
        ("Account Number 'HDFC012345678901', branch", "BANK_ACCOUNT", "HDFC012345678901"),
        ("account no. 76983425K", "BANK_ACCOUNT", "76983425K"),
        ("rent to 12-3140-0055272-00 please", "BANK_ACCOUNT", "12-3140-0055272-00"),
        ("NUBAN 0123456780", "BANK_ACCOUNT", "0123456780"),
        ("pay xyxyx.b@okicici now", "BANK_ACCOUNT", "xyxyx.b@okicici"),
        ("4111111111111111", "CARD", "4111111111111111"),
        ("my visa is 4111 1111 1111 1112", "CARD", "4111 1111 1111 1112"),
        ("carte 604012345673", "CARD", "604012345673"),
        ("the CVV is 123", "CARD", "123"),
        ("pay to DE89 3704 0044 0532 0130 00 please", "IBAN", "DE89 3704 0044 0532 0130 00"),
        ("GB82WEST12345698765432", "IBAN", "GB82WEST12345698765432"),
        ("gb82-west-1234-5698-7654-32", "IBAN", "gb82-west-1234-5698-7654-32"),
        ("IBAN DE12 3704 1144 1532 1130 11", "IBAN", "DE12 3704 1144 1532 1130 11"),
        ("account number 12345678", "BANK_ACCOUNT", "12345678"),
        ("routing 021000021", "BANK_ACCOUNT", "021000021"),
        ("sort code 12-34-56", "BANK_ACCOUNT", "12-34-56"),
        ("BIC: DEUTDEFF500", "BANK_ACCOUNT", "DEUTDEFF500"),
        ("0x52908400098527886E0F7030069857D2E4169EE7", "WALLET", "0x52908400098527886E0F7030069857D2E4169EE7"),
        ("to 1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa now", "WALLET", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"),
        ("bitcoin 1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb", "WALLET", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb"),
        ("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", "WALLET", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"),
        ("TJRabPrwbZy45sbavfcjinPJC18kjpRTv8", "WALLET", "TJRabPrwbZy45sbavfcjinPJC18kjpRTv8"),
        (
            "solana wallet 7EcDhSYGxXyscszYEp35KHN8vvw3svAuLKTzXwCFLtV",
            "WALLET",
            "7EcDhSYGxXyscszYEp35KHN8vvw3svAuLKTzXwCFLtV",
        ),
        (f"my seed phrase is: {SEED}!", "WALLET", SEED),
    ],
)
def test_finds(text: str, kind: str, value: str):
    assert found(text) == [(kind, value)]


@pytest.mark.parametrize(
    "text",
    [
        "the account of what we saw there that day has 12345678 words",
        "4111 1111 1111 1112",
        "411 1111 11111 1111 is odd",
        "0000 0000 0000 0000",
        "DE12 3704 1144 1532 1130 11",
        "an account of 12 pages",
        "the swift response",
        "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb",
        "kopfbahnhofstrassenbahnhofsgebaude",
        "order 4929123123123123",
    ],
)
def test_leaves_alone(text: str):
    assert found(text) == []


def test_words_before_a_number_are_no_country_of_an_iban():
    only_ibans = Policy(name="x", types={"IBAN": Rule()})
    assert found("konto is 0147 7320 9612 3456 at my bank", only_ibans) == []


def test_where_proofs_run_out_numbers_that_look_like_accounts_are_taken():
    only_ibans = Policy(name="x", types={"IBAN": Rule()})
    assert found("DE12 3704 1144 1532 1130 11; " * 500, only_ibans)[-1] == ("IBAN", "DE12 3704 1144 1532 1130 11")
    assert found("no 12 come here and 34 go away now; " * 500) == []
