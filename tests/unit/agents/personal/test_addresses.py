import pytest

from agents.personal.named.said_addresses import said_addresses
from agents.personal.reading import Reading
from tests.unit.agents.personal.naming_sources import addresses, named


@pytest.mark.parametrize(
    "address",
    [
        "221B Baker Street",
        "1600 Pennsylvania Avenue NW",
        "350 5th Ave, Apt 21",
        "99 N Michigan Ave Suite 400",
        "12 Mill Hill Lane",
        "14B Queen's Gate",
        "Flat 2, 18 Elm Grove",
        "Unit 7/22 Wattle Crescent",
        "17/3 Ring Road",
        "12 bis rue de la Gare",
        "4, avenue Foch",
        "12 Place de la Concorde",
        "rue de la Paix",
        "Calle Mayor 5",
        "calle mayor 5",
        "Via Garibaldi 14",
        "Rua Augusta, 1500",
        "ul. Marszałkowska 12/4",
        "al. zbydniowicka 927",
        "Bulevardul Unirii nr. 14",
        "Kurfürstendamm 21",
        "kurfürstendamm 21",
        "Alte Landstraße 5",
        "Karl-Marx-Allee 3",
        "Hauptstr. 5",
        "Am Alten Markt 9",
        "Am Sandtor 9",
        "Karl Johans gate 22",
        "Nørregade 12, 2. tv",
        "Mannerheimintie 5 B 12",
        "928 Grev Moltkevej",
        "1290 Heimdalsgade",
        "Rynek 8",
        "Hauptplatz 3",
        "przy Krótkiej 4",
        "3310 Route 117",
        "204 Juniper House",
        "seventeen B Harcourt Lane",
        "GPO Box 1177",
        "Invalidenstraße 44, 2. OG links",
        "Corso Dante 9/B",
        "R. das Acácias 12 fundos",
        "Caravan 6, Windmill Park",
        "61 Lambton Steps",
        "480 Preston Cr N",
        "P.O. Box 1234",
        "RR 2 Box 118",
        "Calle de Alcalá 45, 3º B",
        "C/ Mayor 12, 2º izq",
        "12 Ring Road East",
        "5th Avenue 725",
        "5th Avenue",
        "Bağdat Caddesi No: 45/3",
        "Bağdat Caddesi No:45",
        "No. 7 Xyxyx Blargon Street",
        "Blk 123 Ang Mo Kio Ave 6 #08-1234",
        "Plot 24, Sector 18",
        "18/2, 4th Cross",
        "Flat 402, Shanti Apartments, MG Road",
        "Sector 62, H-Block, House 14",
        "The Old Vicarage, Church Lane",
        "Xyxyx Cottage, Mill Lane",
        "Ground Floor Flat, 9 Xyxyx Road",
        "Block 4 Flat 2, Xyxyx Estate",
        "Flat 12C, Tower 4, Xyxyx Greens, Sector 78",
        "House 9, Xyxyx Crescent",
        "#231, 5th Main, Xyxyx Layout Sector 7",
        "#05-88, 21 Xyxyx Drive 31",
        "Penthouse 2, 14 Xyxyx Parade",
        "Suite 11, Xyxyx Mall, Area 3",
        "A-604, Xyxyx Niketan CHS, S V Road",
        "B/12 Xyxyx Apts, Mill Road",
        "35 Xyxyx Estate, Phase 2",
        "Apartment 19, The Xyxyx, Bridge Street",
        "2/1, 44 Xyxyx Brae",
        "RD 4, 233 Xyxyx Valley Rd",
        "17/F Unit 3, 88 Xyxyx Parade Rd",
        "Lot 14 Xyxyx Track",
        "No. 3B Xyxyx Road Link",
        "number 9 Xyxyx Road",
        "H.No. 6-3-112/A",
        "Résidence Les Xyxyx, bât. C, 44 chemin de la Xyxyx",
        "Bâtiment B, 12 allée des Xyxyx",
        "Villa Xyxyx, 12 Mill Lane",
        "1 Xyxyx Croft",
        "41 Xyxyx Pde",
        "12 Xyxyx Vale",
        "2/48 Esplanade",
        "27 Jalan Xyxyx",
        "Ffordd y Xyxyx",
        "4117 Rue Saint-Xyxyx, app. 2",
        "Travessa do Xyxyx 6, 2.º Dto",
        "Lg. do Xyxyx nº 3 r/c",
        "Straße des Xyxyx 9",
        "Xyxyxkade 41-II",
        "Sveavägen 33, lgh 1204",
        "Piotrowska 212/3",
        "Pod Xyxyxem 1677",
        "lieu-dit Le Xyxyx Neuf",
        "The Old Forge, Church Lane",
        "The Stables, Church Lane",
        "forty four xyxyx row",
        "number seven xyxyx street",
        "seventeen Xyxyx Street",
        "the corner of 76 Xyxyx Street and Blargon Greens",
        "the corner of ul. Xyxyx 12 and 4th",
        "PMB 14",
        "Private Bag X12",
        "H91 K5D7",
        "D6W XH27",
        "Corner of Xyxyx and 4th",
        "152 Xyxyx-ro 12",
        "SW1A 2AA",
        "PSC 3294, Box 9168\nAPO AA 61487",
        "USNS Xyxyx\nFPO AE 12382",
        "72 Xyxyx, Apt. 4",
        "Xyxyx Blargon 72 Suite 12",
        "12 99 Baker Street",
        "Király u. 15",
        "Xyxyx ter 15",
        "Baker Street",
    ],
)
def test_finds_addresses(address: str):
    assert addresses(f"Bring it to {address} soon") == [address]


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("i live at 12 elm grove ok", "12 elm grove"),
        ("post code sw1a 2aa ok", "sw1a 2aa"),
        ("zip=90210", "90210"),
        ("3-1-1 Xyxyx, Blargon-ku", "3-1-1 Xyxyx"),
        ("3-1-1 Xyxyx, Setagaya", "3-1-1 Xyxyx"),
        ("it is Xyxyx 4-12, Tokyo", "Xyxyx 4-12"),
        ("my address is 7 The Green", "7 The Green"),
        ("my address is Xyxyx Blargon 12", "Xyxyx Blargon 12"),
        ("Address: Xyxyx 12", "Xyxyx 12"),
        ("he lives at Am Graben 3", "Am Graben 3"),
        ("meet me at karl johans gate 22", "karl johans gate 22"),
        ("it is 12 old mill road there", "12 old mill road"),
        ("we are. Alte Landstraße 5", "Alte Landstraße 5"),
        ("it is in Xyxyx Road 21, ok", "Xyxyx Road 21"),
        ("i live on 14 beech grove ok", "14 beech grove"),
        ("la avenida de Xyxyx 88. Son las 12", "avenida de Xyxyx 88"),
        ("The house. Gasse 5, Linden Gasse 5", "Linden Gasse 5"),
    ],
)
def test_finds_addresses_where_words_say_so(text: str, address: str):
    assert addresses(text) == [address]


@pytest.mark.parametrize(
    "text",
    [
        "a 5 minute drive",
        "the 5th avenue of attack",
        "the 5th",
        "it has m2 4ab of it",
        "the way that we do it there, and what more can be said of it all: m2 4ab",
        "Version 3-1-1 Xyxyx was it",
        "there are 3 main points in view",
        "I need 3 large pizzas and 2 small salads at 7 pm",
        "see Table 12 and Figure 3",
        "Spring 5 and Java 21",
        "3 via email",
        "version 12.4 of the street",
        "12% of Main Street",
        "price 12",
        "12",
        "am Montag 3",
        "take the lane 4",
        "he runs 3 of the streets",
        "al-Zahra lives at home 3",
        "Largo has 5, in short",
        "rue",
        "Allee 5",
        "the hof 5",
        "12 rue 13",
        "in Berlin 3",
        "5 new Roads? 12 a b c d e f road",
        "it is in room 4",
        "the address was 5",
        "5 av de x",
        "x nr. 5",
        "7 Zx Wq",
        "we saw it, Xyxyx 5",
        "We bought the Office Suite 2019",
        "Xyxyx, see 5 Apt. 4",
        "Apt. 4",
        "Flat 4, Xyxyx, Blargon, Zork",
        "Xyxyx Blargon Apt. 4",
        "Canada. After that",
        "see B-12 Vitamin",
        "#12, Xyxyx, Blargon",
        "forty four of them went down the road",
        "seventeen people on the street",
        "Xyxyx Kowalska 5 times",
        "the suite is big",
        "1 apt",
    ],
)
def test_leaves_what_is_no_address(text: str):
    assert [one for one in addresses(text) if one != "Main Street"] == []


def test_a_town_stands_behind_its_street():
    assert addresses("Hauptstr. 5, 12345 Xyxyx") == ["Hauptstr. 5", "12345"]
    assert ("PLACE", "Xyxyx") in named("Hauptstr. 5\n12345 Xyxyx")
    assert ("PLACE", "Blargon am Xyxyx") in named("Hauptstr. 5, Blargon am Xyxyx")
    assert named("rue de la Paix, Xyxyx") == []


def test_region_country_and_code_stand_behind_the_town():
    text = "12 Baker Street\n> Suite 28\n> Xyxyx\n> Blargon 34796\nThanks, Maria"
    assert addresses(text) == ["12 Baker Street\n> Suite 28", "34796"]
    assert [found for found in named(text) if found[0] == "PLACE"] == [("PLACE", "Xyxyx"), ("PLACE", "Blargon")]
    assert addresses("12 Baker Street, Xyxyx, ZZ 12345, and so on")[-1].endswith("ZZ 12345")
    assert ("PLACE", "Blargon") in named("12 Baker Street, Xyxyx, ZZ, Blargon.")
    assert named("12 Baker Street, Xyxyx, please") == [("PLACE", "Xyxyx")]
    assert addresses("12 Baker Street, 34796 and 15 more") == ["12 Baker Street", "34796"]


def test_thanks_in_the_next_line_are_no_town():
    assert addresses("12 Baker Street\nThanks, Maria") == ["12 Baker Street"]
    assert [kind for kind, _ in named("12 Baker Street\nThanks, Maria")] == ["PERSON"]


def test_an_abbreviated_kind_keeps_its_full_stop():
    assert addresses("Bring it to 12 Elm Ave. soon") == ["12 Elm Ave."]
    assert addresses("Bring it to 12 Elm Ave., soon") == ["12 Elm Ave"]


def test_a_street_has_four_units_at_most():
    units = ", Flat 1, Floor 2, Room 3, Suite 4"
    assert addresses(f"Bring it to 12 Elm Street{units}, Floor 5 soon")[0] == f"12 Elm Street{units}"


def test_lines_with_a_comma_of_their_own_go_on():
    text = "12 Baker Street\nXyxyx\n, ZZ\n Blargon 34796"
    assert addresses(text) == ["12 Baker Street", "34796"]
    assert {place for kind, place in named(text) if kind == "PLACE"} == {"Xyxyx", "ZZ", "Blargon"}


def test_a_code_and_its_town_say_that_a_street_stands_before():
    assert addresses("Xyxyx 22 bus 3, 9040 Gent") == ["Xyxyx 22 bus 3", "9040"]


def test_an_address_has_seven_parts_at_most():
    parts = "Flat 1, Floor 2, Block 3, Tower 4, Phase 5, Sector 6, Area 7"
    assert addresses(f"send it to {parts}, Zone 8, ok")[0] == parts


def test_a_line_for_the_flat_says_what_the_lines_around_it_are():
    text = "Write to 19 xyxyx 1268\n> apt. 13\n> Blargon\n> Norway 13453\nok"
    assert addresses(text) == ["19 xyxyx 1268", "apt. 13", "13453"]
    assert [place for kind, place in named(text) if kind == "PLACE"] == ["Blargon", "Norway"]
    assert addresses("it is Xyxyx del Blargon 4740\nSuite 414\nZork\n, ZZ\n 99999") == [
        "Xyxyx del Blargon 4740\nSuite 414",
        "99999",
    ]


@pytest.mark.parametrize("text", ["no number here\nFlat 4", "there are 12\nFlat 4"])
def test_a_line_for_the_flat_alone_is_none(text: str):
    assert addresses(text) == []


def test_a_unit_stands_before_a_street_with_two_numbers():
    assert addresses("Apt. 731 96 Xyxyx 2, ok") == ["Apt. 731 96 Xyxyx 2"]


def test_a_year_or_a_count_behind_a_street_is_no_house():
    assert addresses("Xyxyx Road 1969.") == ["Xyxyx Road"]
    assert addresses("first Xyxyx Road 2) then") == ["Xyxyx Road"]


def test_an_address_does_not_reach_into_the_next_sentence():
    found = addresses("I live at 1000 Maple Street. Write to me")
    assert not any("Write" in one for one in found)
    assert any("12 St. John Road" in one for one in addresses("I live at 12 St. John Road"))


def test_a_code_of_six_digits_stands_behind_its_town():
    assert addresses("Plot 24, Sector 18, Xyxyx 122015") == ["Plot 24, Sector 18", "122015"]
    assert addresses("Blk 123 Xyxyx Ave 6 #08-1234 Blargon 560123")[-1] == "560123"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("it is 1051 Budapest", "1051"),
        ("in Wellington, 6012", "6012"),
        ("Xyxyx NT 0802", "NT 0802"),
        ("Xyxyx C1195AAG", "C1195AAG"),
        ("Xyxyx, 2010 Budapest", "2010"),
        ("we met in Mumbai 411001.", "411001"),
        ("Mumbai - 411001, ok", "411001"),
        ("4050-441 Porto", "4050-441"),
        ("35-317 Xyxyx", "35-317"),
        ("values ('8911 BR','Xyxyx')", "8911 BR"),
        ("at S(510412) there", "S(510412"),
        ("he lives in Praha 1", "1"),
        ("he lives in Tokyo 100-0005", "100-0005"),
    ],
)
def test_codes_stand_beside_their_towns(text: str, code: str):
    assert addresses(text) == [code]


@pytest.mark.parametrize("text", ["since 2019 Berlin grows", "London 20000 people", "Miami 2.", "Anna 12345"])
def test_leaves_other_numbers_beside_towns(text: str):
    assert addresses(text) == []


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        (
            "i'd like a taxi to skärpinge 61, stöde 86013",
            [("ADDRESS", "skärpinge 61"), ("PLACE", "stöde"), ("ADDRESS", "86013")],
        ),
        (
            "The address of Balefire is Valadouro 3, Ubide 48145",
            [("ADDRESS", "Valadouro 3"), ("PLACE", "Ubide"), ("ADDRESS", "48145")],
        ),
        (
            "send it to 49 kallirois leo, paphos 8020",
            [("ADDRESS", "49 kallirois leo"), ("PLACE", "paphos"), ("ADDRESS", "8020")],
        ),
        (
            "we live in Polna 7/9, 90-727 Xyxyx",
            [("ADDRESS", "Polna 7/9"), ("ADDRESS", "90-727"), ("PLACE", "Xyxyx")],
        ),
    ],
)
def test_a_sentence_says_that_an_address_comes(text: str, parts: list[tuple[str, str]]):
    assert [(span.type, text[span.start : span.end]) for span in said_addresses(Reading(text, ()))] == parts


@pytest.mark.parametrize(
    "text",
    ["we moved from Windows 10 to 11", "ship version 3, build 4711", "send 12 apples, 300 pears", "live at 5, 6 or 7"],
)
def test_no_sentence_says_that_an_address_comes(text: str):
    assert list(said_addresses(Reading(text, ()))) == []
