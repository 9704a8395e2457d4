import pytest

from agents.personal.finding import find
from agents.policies import load_policies
from sluice.errors import ConfigurationError
from streams.finding.model import load_detectors, load_model


def test_the_model_tells_people_from_places():
    words = ["Yesterday", "Barack", "Obama", "flew", "to", "Chicago", "with", "his", "wife", "."]
    found = load_model()(words, [True] * 8 + [False, False])
    assert (1, 3, "PERSON") in found
    assert (5, 6, "GPE") in found


@pytest.mark.parametrize("package", ["no_such_model", "json"])
def test_a_missing_model_says_what_to_do(package: str):
    with pytest.raises(ConfigurationError, match=rf"{package} .*make install.*no message is passed on"):
        load_model(package)


def test_all_detectors_together():
    text = "Maria Hernandez of 12 Elm Street, Springfield wrote to a@example.com"
    spans = find(text, load_policies()["default"], load_detectors())
    assert [(span.type, text[span.start : span.end]) for span in spans] == [
        ("PERSON", "Maria Hernandez"),
        ("ADDRESS", "12 Elm Street"),
        ("PLACE", "Springfield"),
        ("EMAIL", "a@example.com"),
    ]
