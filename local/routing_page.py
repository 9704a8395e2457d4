"""The reference page on routing, made of the table that the code goes by."""

from agents.failures import REACTIONS, FailureKind, Reaction

_AGAIN = {
    "never": "no",
    "later": "after the others, with backoff",
    "shorter": "at once, with half the context, twice",
    "without_prefill": "at once, without the beginning",
}
_BILLED = {"nothing": "nothing", "unknown": "unknown: 0, `estimated`", "counted": "what was read and said"}


def routing_page() -> str:
    """How a turn finds its answer, and what each failure leads to."""
    lines = [_HEAD, "| Kind | When | Same model again | Next model | Text so far | Breaker | Bill | Code |"]
    lines.append("|---|---|---|---|---|---|---|---|")
    lines += [_line(kind, reaction) for kind, reaction in REACTIONS.items() if kind is not FailureKind.OUTBID]
    return "\n".join([*lines, "", _TAIL])


def _line(kind: FailureKind, reaction: Reaction) -> str:
    cells = (
        f"`{kind.value}`",
        reaction.cause,
        _AGAIN[reaction.again],
        "yes" if reaction.next_model else "no",
        "kept" if reaction.keeps_text else "void",
        "counts" if reaction.counts_against_model else "no",
        _BILLED[reaction.billed],
        f"`{reaction.code.value}`",
    )
    return f"| {' | '.join(cells)} |"


_HEAD = """# Routing

A bot's [file](bots.md) names its models in order of preference. One turn is one life: models are asked until one has
given a whole answer, a person stops the turn, nobody is left, or the turn's time is over. Every call is an *attempt*:
it is announced on the log before it is made (`AttemptStarted`), and has one row in the ledger (`AttemptMetered`),
however it ends.

## Who is asked

1. Each model of the route once, in order. Neighbours with a `weight` are drawn anew for each turn, in proportion.
2. Then those that may be asked again, at most `retry.per_model` times each, after a wait drawn from 0 to 0.25, 0.5,
   1, ... 4 s (full jitter).
3. A model whose breaker is open, or that asked to be left alone (`Retry-After`), is passed over. One that only rests
   is waited for where nobody else is left and the turn's time allows it.

The turn's time is `limits.total_seconds` from the enrich stage on; it travels with the event as `deadline_at`, and
all attempts share it. Within it each attempt has four watches: `connect_seconds`, `first_token_seconds`,
`gap_seconds`, and `total_seconds` where the model has its own.

## What people see

- A failure before the first word: nothing. The next model answers.
- A failure in mid-stream, and the next model takes a beginning (`prefill: true`): it goes on where the other broke
  off. Its attempt says the whole text so far in its first delta; `started` has `continues: true`, so clients leave
  the text where it is. A model that repeats the beginning is not heard twice, white space at the joint is there once.
  It may say what is left of the longest answer.
- Else, and after fewer than 20 characters: `reset`, and the answer begins anew in a higher attempt.
- A cut answer is never shown as complete: who adds nothing to a beginning is asked again without it, and a finish
  reason other than `stop` and `length` is a failure (synonyms such as `end_turn` count).
- When nobody is left the turn ends with `failed` and a code, or with the bot's `fallback_text`: `completed` with
  `finish_reason: fallback` and no model.
- `finish_reason: length` is a whole answer as far as the model was allowed to go, and says so.

A dead worker's turn goes on the same way: its successor reads the words from the log and has them gone on with.

## What each failure leads to
"""

_TAIL = """A call that ended without the provider's word on its tokens is asked for at `usage_url` where the route has
one, else counted by tokenizer and marked `estimated`. A call of which nothing was heard, and which the provider does
not know by `{request_id}`, never reached it: no tokens, `estimated`. Nothing is asked twice: each attempt is one call.

## Breaker, slots, hedge

Each worker has a circuit breaker for each model, address and secret: of the newest 20 calls within 60 s, at least 4,
half failed or four fifths were slow (first token later than half of `first_token_seconds`) open it. For 5 s nobody
asks; then one call probes, and each failed probe doubles the time, up to 60 s. `sluice_model_breaker` shows it (0
closed, 1 half open, 2 open), `sluice_model_failures_total` counts failures by kind. A `Retry-After` is believed up to
ten minutes.

`concurrency` bounds the calls of one worker to a model, address and secret; routes with another number have slots of
their own. Who waits is served in the order of coming, and passes on after `first_token_seconds` (`no_slot`).

`hedge_seconds` lets the next model begin beside one whose first token is late. The first that speaks is followed, the
other is hung up; both are billed.

## Context

What does not fit into `context_tokens` goes, whole turns, the oldest first; with `summary`, a cheap model's summary
takes their place (an attempt of its own, `purpose` summary in the ledger). `AttemptStarted` says how many turns went,
the summary, and the hash of the exact messages: `sluice prompt render TURN_ID` makes them again.
"""
