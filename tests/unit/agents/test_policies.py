import pytest

from agents.personal.spans import PERSONAL_TYPES
from agents.policies import load_policies
from sluice.errors import ConfigurationError


def test_the_shipped_policy_covers_all_that_is_personal():
    assert {*PERSONAL_TYPES} - {*load_policies()["default"].types} == {"ORG"}


def test_a_policy_says_what_from_when_and_how(tmp_path):
    (tmp_path / "x.yaml").write_text(
        'name: x\nregions: [DE, "NO"]\ntypes:\n  EMAIL: {action: mask, from_score: 0.8}\n  IP: {}\n'
    )
    policy = load_policies(tmp_path)["x"]
    assert policy.regions == ("DE", "NO")
    assert [(kind, rule.action, rule.from_score) for kind, rule in policy.types.items()] == [
        ("EMAIL", "mask", 0.8),
        ("IP", "placeholder", 0.5),
    ]


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("name: x\ntypes:\n  SHOE_SIZE: {}\n", r"x\.yaml:3: types\.SHOE_SIZE: Input should be 'EMAIL'"),
        ("name: x\ntypes:\n  EMAIL: {action: eat}\n", r"x\.yaml:3: types\.EMAIL\.action: .*'mask'"),
        ("name: x\ntypes:\n  EMAIL:\n    from_score: 2\n", r"x\.yaml:4: types\.EMAIL\.from_score: .*less than"),
        ("name: x\ntypes:\n  EMAIL: {from: 1}\n", r"x\.yaml:3: types\.EMAIL\.from: Extra"),
        ("name: x\ntypes: {}\n", r"x\.yaml:2: types: "),
        ("name: x\n", r"x\.yaml:1: types: Field required"),
        ("types: {IP: {}}\n", r"x\.yaml:1: name: Field required"),
        ("name: x\nregions: [US, QQ]\ntypes: {IP: {}}\n", r"x\.yaml:2: regions\.1: .*ISO 3166"),
        ("name: x\nregions: [NO]\ntypes: {IP: {}}\n", r'x\.yaml:2: regions\.0: .*write "NO"'),
        ("{", r"x\.yaml:\d: not YAML"),
        ("", r"x\.yaml: is empty"),
    ],
)
def test_a_wrong_policy_file_stops_the_start(tmp_path, content: str, complaint: str):
    (tmp_path / "x.yaml").write_text(content)
    with pytest.raises(ConfigurationError, match=complaint):
        load_policies(tmp_path)


def test_two_policies_of_one_name_stop_the_start(tmp_path):
    for file in ("a", "b"):
        (tmp_path / f"{file}.yaml").write_text("name: x\ntypes: {IP: {}}\n")
    with pytest.raises(ConfigurationError, match=r"b\.yaml:1: there is another policy named x"):
        load_policies(tmp_path)


def test_no_policy_at_all_stops_the_start(tmp_path):
    with pytest.raises(ConfigurationError, match="There is no redaction policy in"):
        load_policies(tmp_path)
