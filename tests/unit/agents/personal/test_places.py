import pytest

from tests.unit.agents.personal.naming_sources import Model, named


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("I live in Berlin", "Berlin"),
        ("i live in berlin", "berlin"),
        ("Is it far to Frankfurt am Main?", "Frankfurt am Main"),
        ("i moved to new zealand", "new zealand"),
        ("i went to battle ground", "battle ground"),
        ("I was born in Reading", "Reading"),
        ("She drove to Cork", "Cork"),
        ("I live in Xyxyx", "Xyxyx"),
        ("i live in xyxyx", "xyxyx"),
        ("i live in upper xyxyx", "upper xyxyx"),
        ("we are from hollowbury", "hollowbury"),
        ("The road to Hollowbury is closed", "Hollowbury"),
        ("She saw Port Mellowick again", "Port Mellowick"),
        ("She is from New Mellowick", "New Mellowick"),
        ("The winner is from Norway, Chile", "Chile"),
        ("Maria Miller\tXyxyx", "Xyxyx"),
        ("We were in the UK", "UK"),
        ("12345 Xyxyx is far", "Xyxyx"),
        ("Poland is large", "Poland"),
        ("Is it close to Ann Arbor", "Ann Arbor"),
        ("it was in paris", "paris"),
        ("I LIVE IN BERLIN", "BERLIN"),
        ("we visited St. Louis", "St. Louis"),
        ("in Aix-en-Provence", "Aix-en-Provence"),
        ("san jose was nice", "san jose"),
        ("the weather in Llandudno", "Llandudno"),
        ("I visited Xyxyx and left", "Xyxyx"),
        ("12 Elm Lane, Co. Xyxyx", "Xyxyx"),
        ("ik kom uit Heerenveen en ik wacht", "Heerenveen"),
        ("we saw 58 Cedar Blvd Xyxyx, ok", "Xyxyx"),
    ],
)
def test_finds_places_without_a_model(text: str, place: str):
    assert ("PLACE", place) in named(text)


@pytest.mark.parametrize(
    "text",
    [
        "we read it in reading",
        "i live in fear",
        "go to the Dashboard",
        "the new version",
        "it is of no use",
        "a nice bath of most oil",
        "NICE AND MOBILE AND SPLIT",
        "north of us",
        "in a upper room",
        "ich wohne hier nicht, vielleicht findet ihr mich",
        "in 3D",
        "move it to env",
        "Mobil 3, prio high",
    ],
)
def test_leaves_what_is_no_place(text: str):
    assert named(text) == []


def test_small_towns_without_a_word_beside_are_in_doubt():
    assert named("It is close to Lyngdal", Model(Lyngdal="GPE")) == [("PLACE", "Lyngdal")]
    assert named("We thought Hollowbury so", Model(Hollowbury="GPE")) == [("PLACE", "Hollowbury")]


def test_a_company_is_no_place():
    assert named("I work at London Bank now") == [("ORG", "London Bank")]
    assert named("I work at london bank now") == []
    assert named("i lived in paris as a child") == [("PLACE", "paris")]


def test_divisions_of_towns_say_what_they_are():
    assert named("it is Xyxyx-ku there") == [("PLACE", "Xyxyx-ku")]
