"""`sluice redact`: JSON lines in, JSON lines out."""

import json
from collections.abc import Iterator

import pytest
from typer.testing import CliRunner

from agents.personal import finding
from agents.personal.finding import find
from agents.personal.policy import Policy, Rule
from agents.policies import load_policies
from sluice.cli.main import build
from streams.redacted_lines import BadLine, LineNotSearched, redacted_lines

DEFAULT = load_policies()["default"]


def run(text: str | bytes, *arguments: str):
    return CliRunner().invoke(build(), ["redact", *arguments], input=text)


def test_offsets_are_code_points_of_the_text_as_given():
    text = "😀 ﬁ jane%40example.com e\u0301 +1 650-253-0000"
    done = run(json.dumps({"text": text}, ensure_ascii=False) + "\n")
    answer = json.loads(done.stdout)
    assert done.exit_code == 0
    assert answer["redacted"] == "😀 ﬁ [EMAIL_1] e\u0301 [PHONE_1]"
    assert [text[span["start"] : span["end"]] for span in answer["spans"]] == ["jane%40example.com", "+1 650-253-0000"]
    assert [set(span) for span in answer["spans"]] == [{"start", "end", "type", "score"}] * 2


def test_each_line_stands_by_itself():
    lines = "".join(json.dumps({"text": f"{name}@example.com"}) + "\n" for name in "ab")
    done = run(f"\n{lines}\n")
    assert [json.loads(line)["redacted"] for line in done.stdout.splitlines()] == ["[EMAIL_1]"] * 2


def test_half_a_surrogate_pair_comes_out_as_it_came_in():
    done = run('{"text": "\\ud800 a@b.com"}')
    assert json.loads(done.stdout)["redacted"] == "\ud800 [EMAIL_1]"


def test_reads_a_file(tmp_path):
    (tmp_path / "x.jsonl").write_text('{"text": "nothing"}')
    assert json.loads(run("", str(tmp_path / "x.jsonl")).stdout) == {"redacted": "nothing", "spans": []}
    assert run("", str(tmp_path / "y.jsonl")).exit_code == 2


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        (b"{", "Line 2: not JSON at column 1"),
        (b"[1]", "Line 2: not an object"),
        (b'{"texts": "a@b.com"}', 'Line 2: "text" is missing'),
        (b'{"text": 5}', 'Line 2: "text" is not a string'),
        (b'{"text": "\xff"}', "Line 2: byte 11 is not UTF-8"),
        (b"[" * 100_000, "Line 2: "),
        (b'{"text": "a", "n": ' + b"1" * 5000 + b"}", "Line 2: a number has more than 4300 digits"),
    ],
)
def test_a_bad_line_is_named_and_what_was_before_it_is_answered(line: bytes, complaint: str):
    done = run(b'{"text": "fine"}\n' + line + b'\n{"text": "not reached"}\n')
    assert done.exit_code == 2
    assert done.stderr.startswith(complaint)
    assert "a@b.com" not in done.stderr
    assert [json.loads(answer)["redacted"] for answer in done.stdout.splitlines()] == ["fine"]


def test_answers_come_one_by_one():
    def lines() -> Iterator[bytes]:
        yield b'{"text": "one"}'
        raise RuntimeError("not asked for")

    assert next(redacted_lines(lines(), DEFAULT, find)).document["redacted"] == "one"


def test_an_unknown_policy_is_wrong_use():
    done = run("", "--policy", "unheard-of")
    assert done.exit_code == 2
    assert "There is: default" in done.stderr


def test_a_refused_text_has_its_types_and_the_answer_is_no(monkeypatch):
    refusing = Policy(name="default", types={"EMAIL": Rule(action="refuse"), "IP": Rule(action="mask")})
    monkeypatch.setattr("agents.policies.load_policies", lambda: {"default": refusing})
    done = run('{"text": "a@b.com"}\n{"text": "10.0.0.1"}\n')
    first, second = map(json.loads, done.stdout.splitlines())
    assert done.exit_code == 1
    assert (first["redacted"], first["refused"], len(first["spans"])) == (None, ["EMAIL"], 1)
    assert (second["redacted"], "refused" in second) == ("[IP]", False)
    assert "refuses 1 of these texts" in done.stderr


def test_a_search_that_fails_ends_the_command_without_the_text(monkeypatch):
    def broken(text: str, _policy: Policy, _sources: object):
        raise RuntimeError(text)

    monkeypatch.setattr(finding, "find", broken)
    done = run('{"text": "a@b.com"}')
    assert done.exit_code == 1
    assert done.stdout == ""
    assert (
        done.stderr == "Line 1: could not be searched for personal data (RuntimeError); nothing of it is passed on.\n"
    )
    with pytest.raises(LineNotSearched):
        next(redacted_lines([b'{"text": "x"}'], DEFAULT, lambda text, policy: broken(text, policy, ())))


def test_a_bad_line_never_quotes_itself():
    with pytest.raises(BadLine) as raised:
        next(redacted_lines([b'{"text": a@b.com}'], DEFAULT, find))
    assert "a@b.com" not in str(raised.value)
