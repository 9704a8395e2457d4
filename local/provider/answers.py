"""Deterministic answers, and the provider's own idea of a token."""

import re

_TOKEN = re.compile(r"\s*[^\s]{1,6}|\s+$")
_TOKENS_PER_MESSAGE = 3


def tokens_of(text: str) -> list[str]:
    """Pieces of at most six characters with the space before them. Joined, they are the text again."""
    return _TOKEN.findall(text)


def prompt_tokens(messages: list[dict[str, str]]) -> int:
    """Tokens of all messages, with three for the frame of each."""
    return sum(len(tokens_of(message["content"])) + _TOKENS_PER_MESSAGE for message in messages)


def echo(question: str) -> str:
    """The question again."""
    return question


def assistant(question: str) -> str:
    """Markdown that looks like an assistant's answer. A question about code gets code."""
    if re.search(r"\b(code|python|function|sql|script)\b", question, re.IGNORECASE):
        return _CODE
    return _PLAIN.format(question=question.strip().replace("\n", "\n> "))


def story(_question: str) -> str:
    """Sixty sentences."""
    return " ".join(_SENTENCES[number % len(_SENTENCES)].format(number=number + 1) for number in range(60))


_PLAIN = """You asked:

> {question}

I am the **development model**: my answers are scripted, but the way they take is real. This one went through

1. the *gateway*, which accepted your message once Kafka had it,
2. `enrich`, which added our conversation so far,
3. `redact`, which replaced personal data by placeholders,
4. `respond`, which asked me and put every piece of this answer on the log.

Ask for *code* to see a code block."""

_CODE = """Here is a small function with a test:

```python
def fibonacci(n: int) -> int:
    \"\"\"The n-th Fibonacci number, counted from 0.\"\"\"
    a, b = 0, 1
    for _ in range(n):
        a, b = b, a + b
    return a


assert [fibonacci(n) for n in range(8)] == [0, 1, 1, 2, 3, 5, 8, 13]
```

It runs in `O(n)` time and constant space."""

_SENTENCES = (
    "Sentence {number}: the river came down from the hills and the keeper raised the gate by a hand's breadth.",
    "Sentence {number}: what was clear went through, and what was not stayed behind the boards.",
    "Sentence {number}: every bucket was counted, above and below, and the two numbers were the same.",
    "Sentence {number}: at night somebody else kept the gate, and in the morning nothing was missing.",
)
