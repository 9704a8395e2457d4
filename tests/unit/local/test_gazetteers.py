import json

from agents.personal.named.listed import load_listed
from local.gazetteers import main


def test_makes_lists_that_can_be_read(tmp_path):
    given = {"zoë": [9, 9], "anna": [30, 900], "rare": [2, 2], "hope": [6, 90], "grace": [20, 900]}
    sources = {
        "given": json.dumps(given),
        "surnames": "SMITH 1.0 1.0 1\nØRSTED 0.1 1.1 2\n",
        "cities": json.dumps(
            {
                "1": {"name": "St. Louis", "population": 300_000},
                "2": {"name": "St Louis", "population": 6_000},
                "3": {"name": "Tiny", "population": 1},
                "4": {"name": "Małe", "population": 7_000},
            }
        ),
        "states": json.dumps({"UT": {"name": "Utah"}}),
        "territories": json.dumps({"de": ["Österreich", "Ö"], "zz": ["Nowhere"]}),
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
    assert listed.places == {"st louis": True, "male": False, "utah": True, "osterreich": True}
    assert listed.words == {"hope", "grace", "rare"}
