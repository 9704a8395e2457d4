import pytest

from sluice.events import Usage
from streams.told_usage import told_usage


@pytest.mark.parametrize(
    ("prompt", "completion", "read"), [(7, 1, 7), (None, 1, 0), (0, 0, 0), (100_000_000, 1, 10**8)]
)
def test_what_can_be_is_believed(prompt: object, completion: int, read: int):
    assert told_usage(prompt, completion) == Usage(prompt_tokens=read, completion_tokens=completion, estimated=False)


@pytest.mark.parametrize(
    ("prompt", "completion"), [(7, None), (7, -1), (-7, 1), (2**31 - 1, 1), (7, 2**40), (7, 1.5), ("7", 1), (7, True)]
)
def test_what_cannot_be_is_counted_here(prompt: object, completion: object):
    assert told_usage(prompt, completion) is None
