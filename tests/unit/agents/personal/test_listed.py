import pytest

from agents.personal.named.listed import fold, load_listed
from agents.personal.named.phrases import phrases
from sluice.errors import ConfigurationError


def test_folds_what_writers_leave_out():
    assert fold("Łódź") == "lodz"
    assert fold("Jean-Luc") == "jean luc"
    assert fold("O'Brien") == "obrien"
    assert fold("Straße") == "strasse"


def test_a_missing_list_is_told(tmp_path):
    with pytest.raises(ConfigurationError, match=r"places\.txt\.gz .* \(FileNotFoundError\)"):
        load_listed(tmp_path)


def test_what_is_listed_is_known():
    listed = load_listed()
    assert listed.given["maria"]
    assert listed.surnames["miller"]
    assert listed.places["new york city"]
    assert listed.longest_places["new"] > 1
    assert "street" in listed.words


def test_phrases():
    assert phrases("(a|b) [x|y] c;d") == {"a x c", "a y c", "a c", "b x c", "b y c", "b c", "d"}
