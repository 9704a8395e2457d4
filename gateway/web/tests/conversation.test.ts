import { describe, expect, it } from "vitest";
import { type ConversationEvent, emptyConversation, liveTurns, reduce, resumeCursor } from "../src/conversation";
import type { StoredTurn } from "../src/history";
import { completed, delta } from "./frames";

const STARTED: ConversationEvent = { type: "started", turn_id: "t1", session_id: "s1", attempt: 1, model: "model-a" };
const ASKED: ConversationEvent[] = [
  { type: "sent", clientMsgId: "m1", text: "hello", bot: "dev" },
  { type: "accepted", turn_id: "t1", session_id: "s1", client_msg_id: "m1" },
];

function play(...events: ConversationEvent[]) {
  const asks: string[] = [];
  let conversation = emptyConversation("s1", "loaded");
  for (const event of events) {
    const reduced = reduce(conversation, event);
    conversation = reduced.conversation;
    if (reduced.ask !== null) asks.push(reduced.ask);
  }
  const turn = conversation.turns.at(-1);
  if (turn === undefined) throw new Error("no turn");
  return { conversation, turn, asks };
}

function stored(change: Partial<StoredTurn> = {}): StoredTurn {
  return {
    turn_id: "t1",
    state: "completed",
    question: "hello",
    answer: "Hi there.",
    model: "model-a",
    attempts: 1,
    usage: null,
    cost_usd: null,
    latency_ms: null,
    finish_reason: "stop",
    error: null,
    created_at: "2025-01-01T00:00:00Z",
    ...change,
  };
}

describe("a turn from question to answer", () => {
  it("goes through its phases and collects the text", () => {
    const { turn, asks } = play(...ASKED, STARTED, delta(0, "Hi"), delta(1, " there"), completed());
    expect(turn).toMatchObject({ phase: "completed", answer: "Hi there", costUsd: "0.000012", model: "model-a" });
    expect(asks).toEqual([]);
  });

  it("shows its place in the queue until it starts", () => {
    const queued: ConversationEvent = { type: "queued", turn_id: "t1", position: 3, eta_ms: 4000 };
    expect(play(...ASKED, queued).turn.queue).toEqual({ position: 3, etaMs: 4000 });
    expect(play(...ASKED, queued, STARTED).turn.queue).toBeNull();
    expect(play(...ASKED, STARTED, queued).turn.phase).toBe("running");
  });

  it("keeps the partial text of a failed or stopped answer, and nothing moves it afterwards", () => {
    const failed: ConversationEvent = { type: "failed", turn_id: "t1", code: "x", message: "No.", retryable: true };
    expect(play(...ASKED, delta(0, "Hi"), failed, delta(1, "!"))).toMatchObject({
      turn: { phase: "failed", answer: "Hi", failure: { code: "x", retryable: true } },
    });
    const cancelled: ConversationEvent = { type: "cancelled", turn_id: "t1", attempt: 1 };
    expect(play(...ASKED, delta(0, "Hi"), { type: "stop_asked" }, cancelled, completed()).turn).toMatchObject({
      phase: "cancelled",
      answer: "Hi",
      stopping: false,
    });
  });

  it("fails a refused message, and only while it is not accepted", () => {
    const refused: ConversationEvent = {
      type: "refused",
      clientMsgId: "m1",
      failure: { code: "overloaded", message: "Later.", retryable: true },
    };
    expect(play(ASKED[0]!, refused).turn.phase).toBe("failed");
    expect(play(...ASKED, refused).turn.phase).toBe("accepted");
  });
});

describe("frames out of order", () => {
  it("ignores a delta that was already seen", () => {
    expect(play(...ASKED, delta(0, "a"), delta(0, "a"), delta(1, "b"), delta(0, "a")).turn.answer).toBe("ab");
  });

  it("takes joined deltas, and asks for those it has half seen", () => {
    expect(play(...ASKED, delta(0, "a"), delta(3, "bcd", 1, 1), delta(4, "e")).turn.answer).toBe("abcde");
    const overlap = play(...ASKED, delta(0, "a"), delta(1, "b"), delta(3, "bcd", 1, 1));
    expect(overlap.turn.answer).toBe("ab");
    expect(overlap.asks).toEqual(["resume"]);
  });

  it("asks once to resume after a gap, and goes on from the snapshot", () => {
    const gap = [...ASKED, delta(0, "a"), delta(2, "c"), delta(3, "d")];
    expect(play(...gap)).toMatchObject({ turn: { answer: "a", resuming: true }, asks: ["resume"] });
    const snapshot: ConversationEvent = {
      type: "snapshot",
      turn_id: "t1",
      session_id: "s1",
      attempt: 1,
      seq: 3,
      text: "abcd",
    };
    const after = play(...gap, snapshot, delta(3, "d"), delta(4, "e"));
    expect(after.turn).toMatchObject({ answer: "abcde", seq: 4, revision: 1, resuming: false });
  });

  it("loads the stored turn when the end overtakes a missing piece", () => {
    expect(play(...ASKED, delta(0, "a"), delta(2, "c"), completed()).asks).toEqual(["resume", "reload"]);
  });

  it("does not go back to an older snapshot", () => {
    const old: ConversationEvent = { type: "snapshot", turn_id: "t1", session_id: "s1", attempt: 1, seq: 0, text: "a" };
    expect(play(...ASKED, delta(0, "a"), delta(1, "b"), old).turn.answer).toBe("ab");
  });
});

describe("attempts", () => {
  const reset: ConversationEvent = { type: "reset", turn_id: "t1", attempt: 1 };

  it("throws the text away on reset", () => {
    const { turn } = play(...ASKED, delta(0, "old"), reset, delta(0, "new", 2), completed(1));
    expect(turn).toMatchObject({ answer: "new", attempt: 2, revision: 1, phase: "running" });
  });

  it("keeps what came since when a reset is repeated", () => {
    expect(play(...ASKED, delta(0, "old"), reset, delta(0, "new", 2), reset).turn.answer).toBe("new");
  });

  it("keeps the text on the screen until a continuation has said it again", () => {
    const started: ConversationEvent = { ...STARTED, attempt: 2, model: "model-b", continues: true };
    const before = play(...ASKED, delta(0, "one"), started);
    expect(before.turn).toMatchObject({ answer: "one", seq: -1, attempt: 2 });
    const { turn } = play(...ASKED, delta(0, "one"), started, delta(0, "one", 2), delta(1, " two", 2));
    expect(turn).toMatchObject({ answer: "one two", model: "model-b", seq: 1, attempt: 2 });
  });

  it("throws the text away when an attempt begins anew", () => {
    const started: ConversationEvent = { ...STARTED, attempt: 2 };
    expect(play(...ASKED, delta(0, "one"), started).turn.answer).toBe("");
    expect(play(...ASKED, delta(0, "one"), started, delta(0, "other", 2)).turn.answer).toBe("other");
  });
});

describe("history", () => {
  it("resumes at the last delta seen of a running answer, else from the start", () => {
    expect(resumeCursor(play(...ASKED, delta(0, "a"), delta(1, "b")).conversation)).toBe("t1:1:1");
    expect(resumeCursor(play(...ASKED).conversation)).toBeNull();
    expect(resumeCursor(play(...ASKED, delta(0, "a"), completed()).conversation)).toBeNull();
  });

  it("shows a running stored turn and fills it from the snapshot", () => {
    const history: ConversationEvent = { type: "history", turns: [stored({ state: "running", answer: null })] };
    const snapshot: ConversationEvent = { type: "snapshot", turn_id: "t1", session_id: "s1", attempt: 1, seq: 5, text: "Hi" };
    const { turn, conversation } = play(history, snapshot, delta(6, "!"));
    expect(turn).toMatchObject({ question: "hello", answer: "Hi!" });
    expect(liveTurns(conversation)).toHaveLength(1);
  });

  it("does not let a late store take back what was shown", () => {
    const late: ConversationEvent = { type: "history", turns: [stored({ state: "running", answer: null, question: "[EMAIL_1]" })] };
    expect(play(...ASKED, delta(0, "a"), late).turn).toMatchObject({ answer: "a", seq: 0, question: "[EMAIL_1]" });
    expect(play(...ASKED, delta(0, "a"), completed(), late).turn).toMatchObject({ phase: "completed", answer: "a" });
  });

  it("keeps a message that the store does not know yet at the end", () => {
    const history: ConversationEvent = { type: "history", turns: [stored({ turn_id: "t0" })] };
    expect(play(...ASKED, history).conversation.turns.map((turn) => turn.id)).toEqual(["t0", "t1"]);
  });

  it("loads the question of a turn that began on another device", () => {
    expect(play(STARTED)).toMatchObject({ turn: { question: null, phase: "running" }, asks: ["reload"] });
  });
});
