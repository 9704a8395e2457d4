/** One question and its answer, moved on by frames. Pure: the same frames give the same turn. */

import type {
  CompletedFrame,
  DeltaFrame,
  Failure,
  Latency,
  Rating,
  SnapshotFrame,
  StartedFrame,
  TurnFrame,
  Usage,
} from "./protocol";

export type Phase = "sending" | "accepted" | "queued" | "running" | "completed" | "failed" | "cancelled";

export interface Turn {
  /** Null until the gateway accepted the message. */
  readonly id: string | null;
  /** Null for a turn that this page did not send. */
  readonly clientMsgId: string | null;
  /** Null when the turn began elsewhere and its text was not loaded yet. */
  readonly question: string | null;
  readonly bot: string | null;
  readonly phase: Phase;
  readonly queue: { position: number; etaMs: number | null } | null;
  readonly attempt: number;
  /** The last delta seen of `attempt`; -1 before the first. */
  readonly seq: number;
  readonly answer: string;
  /** Changes whenever `answer` was replaced instead of extended. */
  readonly revision: number;
  readonly model: string | null;
  readonly usage: Usage | null;
  readonly costUsd: string | null;
  readonly latency: Latency | null;
  readonly finishReason: string | null;
  readonly failure: Failure | null;
  readonly rating: Rating | null;
  readonly stopping: boolean;
  /** A delta was missed and a resume was asked for. */
  readonly resuming: boolean;
}

/** What the page has to ask of the gateway after a frame. */
export type Ask = "resume" | "reload" | null;

export interface Step {
  readonly turn: Turn;
  readonly ask: Ask;
}

export const BLANK: Turn = {
  id: null,
  clientMsgId: null,
  question: null,
  bot: null,
  phase: "sending",
  queue: null,
  attempt: 0,
  seq: -1,
  answer: "",
  revision: 0,
  model: null,
  usage: null,
  costUsd: null,
  latency: null,
  finishReason: null,
  failure: null,
  rating: null,
  stopping: false,
  resuming: false,
};

export function isOver(turn: Turn): boolean {
  return turn.phase === "completed" || turn.phase === "failed" || turn.phase === "cancelled";
}

/** The public cursor of the last delta seen, or null before the first. */
export function cursorOf(turn: Turn): string | null {
  return turn.id !== null && turn.seq >= 0 ? `${turn.id}:${turn.attempt}:${turn.seq}` : null;
}

export function advance(turn: Turn, frame: TurnFrame): Step {
  if (isOver(turn)) return { turn, ask: null };
  if ("attempt" in frame && frame.attempt < turn.attempt) return { turn, ask: null };
  switch (frame.type) {
    case "queued":
      // A place in the queue that arrives after the start is old news.
      if (turn.phase === "running") return { turn, ask: null };
      return moved(turn, { phase: "queued", queue: { position: frame.position, etaMs: frame.eta_ms } });
    case "started":
      return moved(turn, {
        phase: "running",
        queue: null,
        model: frame.model,
        ...(frame.attempt > turn.attempt ? begunAnew(turn, frame) : {}),
      });
    case "delta":
      return extended(turn, frame);
    case "reset":
      return moved(turn, {
        attempt: frame.attempt,
        seq: -1,
        answer: "",
        revision: turn.revision + 1,
        resuming: false,
      });
    case "snapshot":
      return replaced(turn, frame);
    case "completed":
      return completed(turn, frame);
    case "failed":
      return moved(turn, {
        phase: "failed",
        queue: null,
        resuming: false,
        stopping: false,
        failure: { code: frame.code, message: frame.message, retryable: frame.retryable },
      });
    case "cancelled":
      return moved(turn, { phase: "cancelled", queue: null, resuming: false, stopping: false, attempt: frame.attempt });
  }
}

/** The first delta of every attempt begins the answer anew; until then a continuation keeps what stands there. */
function begunAnew(turn: Turn, frame: StartedFrame): Partial<Turn> {
  const begun = { attempt: frame.attempt, seq: -1 };
  return frame.continues === true ? begun : { ...begun, answer: "", revision: turn.revision + 1 };
}

function moved(turn: Turn, change: Partial<Turn>): Step {
  return { turn: { ...turn, ...change }, ask: null };
}

function extended(turn: Turn, frame: DeltaFrame): Step {
  const seen = frame.attempt > turn.attempt ? -1 : turn.seq;
  const first = frame.first_seq ?? frame.seq;
  if (frame.seq <= seen) return { turn, ask: null };
  if (first !== seen + 1) {
    // Missed or half seen: text cannot be cut at a delta's border, so the gateway has to send it again.
    return turn.resuming ? { turn, ask: null } : { turn: { ...turn, resuming: true }, ask: "resume" };
  }
  return moved(turn, {
    phase: "running",
    queue: null,
    attempt: frame.attempt,
    seq: frame.seq,
    answer: seen === -1 ? frame.text : turn.answer + frame.text,
    ...(seen === -1 && turn.answer !== "" ? { revision: turn.revision + 1 } : {}),
    resuming: false,
  });
}

function replaced(turn: Turn, frame: SnapshotFrame): Step {
  if (frame.attempt === turn.attempt && frame.seq <= turn.seq) {
    return turn.resuming && frame.seq === turn.seq ? moved(turn, { resuming: false }) : { turn, ask: null };
  }
  return moved(turn, {
    phase: "running",
    queue: null,
    attempt: frame.attempt,
    seq: frame.seq,
    answer: frame.text,
    revision: turn.revision + 1,
    resuming: false,
  });
}

function completed(turn: Turn, frame: CompletedFrame): Step {
  const done: Turn = {
    ...turn,
    phase: "completed",
    queue: null,
    attempt: frame.attempt,
    model: frame.model ?? turn.model,
    usage: frame.usage,
    costUsd: frame.cost_usd,
    latency: frame.latency_ms,
    finishReason: frame.finish_reason,
    stopping: false,
    resuming: false,
  };
  // The end overtook a missing piece: only the stored turn has the whole answer now.
  return { turn: done, ask: turn.resuming ? "reload" : null };
}
