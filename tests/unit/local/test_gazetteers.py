import json

from agents.personal.named.listed import load_listed
from local.gazetteers import main


def city(name: str, population: int, country: str, *others: str) -> dict[str, object]:
    return {"name": name, "population": population, "countrycode": country, "alternatenames": list(others)}


CITIES = [
    city("St. Louis", 300_000, "US", "Saint Louis", "Pain Court"),
    city("St Louis", 6_000, "SN"),
    city("Tiny", 1, "US"),
    city("Małe", 7_000, "PL"),
    city("Smallbury", 1_500, "GB", "Smalbury"),
    city("Farport", 1_500, "CL"),
    city("Smith", 1_500, "GB"),
    city("Largo City", 2_000_000, "BR", "Old Name", "Ново"),
]


def test_makes_lists_that_can_be_read(tmp_path):
    given = {"zoë": [9, 9], "anna": [30, 900], "rare": [2, 2], "hope": [6, 90], "grace": [20, 900]}
    sources = {
        "given": json.dumps(given),
        "surnames": "SMITH 1.0 1.0 1\nØRSTED 0.1 1.1 2\n",
        "cities": json.dumps({str(number): city for number, city in enumerate(CITIES)}),
        "states": json.dumps({"UT": {"name": "Utah"}}),
        "territories": json.dumps({"de": ["Österreich", "Ö"], "zz": ["Nowhere"]}),
        "functions": json.dumps({"en": ["the", "in"], "de": ["in", "für", "the"], "nl": ["in", "hope"], "fr": ["l'"]}),
        "words": "hope\ngrace\nrare\nUtah\nit's\nmaria\n",
    }
    arguments = []
    for name, text in sources.items():
        (tmp_path / name).write_text(text)
        arguments += [f"--{name}", str(tmp_path / name)]
    main([*arguments, "--into", str(tmp_path)])
    listed = load_listed(tmp_path)
    assert listed.given == {"anna": True, "grace": True}
    assert listed.surnames == {"smith": True, "ørsted": True}
    assert listed.places == {
        "st louis": True,
        "saint louis": True,
        "male": False,
        "smallbury": False,
        "largo city": True,
        "old name": False,
        "utah": True,
        "osterreich": True,
    }
    assert listed.functions == {"the": True, "fur": False}
    assert listed.words == {"hope", "grace", "rare"}
