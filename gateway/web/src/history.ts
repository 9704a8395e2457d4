/** Stored turns, as REST gives them, joined with what the socket has already told. */

import type { Failure, Latency, Usage } from "./protocol";
import { BLANK, type Turn, isOver } from "./turn";

export interface StoredTurn {
  turn_id: string;
  state: "accepted" | "running" | "completed" | "failed" | "cancelled";
  question: string | null;
  answer: string | null;
  model: string | null;
  attempts: number | null;
  usage: Usage | null;
  cost_usd: string | null;
  latency_ms: Latency | null;
  finish_reason: string | null;
  error: Failure | null;
  created_at: string;
}

/** Stored order first; turns the store does not know yet keep their place at the end. */
export function withStored(shown: readonly Turn[], stored: readonly StoredTurn[]): Turn[] {
  const byId = new Map(shown.filter((turn) => turn.id !== null).map((turn) => [turn.id, turn]));
  const storedIds = new Set(stored.map((turn) => turn.turn_id));
  const rest = shown.filter((turn) => turn.id === null || !storedIds.has(turn.id));
  return [...stored.map((turn) => joined(byId.get(turn.turn_id), turn)), ...rest];
}

function joined(shown: Turn | undefined, stored: StoredTurn): Turn {
  const fromStore = restored(stored);
  if (shown === undefined) return fromStore;
  const question = stored.question ?? shown.question;
  // The store may lag behind the socket: a running record never takes back what was already shown.
  if (!isOver(fromStore)) return { ...shown, question, model: shown.model ?? stored.model };
  return {
    ...fromStore,
    question,
    clientMsgId: shown.clientMsgId,
    bot: shown.bot,
    rating: shown.rating,
    attempt: shown.attempt,
    seq: shown.seq,
    answer: stored.answer ?? shown.answer,
    revision: stored.answer === null || stored.answer === shown.answer ? shown.revision : shown.revision + 1,
    failure: fromStore.failure ?? shown.failure,
  };
}

function restored(stored: StoredTurn): Turn {
  const over = stored.state === "completed" || stored.state === "failed" || stored.state === "cancelled";
  return {
    ...BLANK,
    id: stored.turn_id,
    question: stored.question,
    phase: stored.state,
    // The text of a running turn comes with the snapshot that follows the resume.
    answer: over ? (stored.answer ?? "") : "",
    model: stored.model,
    usage: stored.usage,
    costUsd: stored.cost_usd,
    latency: stored.latency_ms,
    finishReason: stored.finish_reason,
    failure: stored.error,
  };
}
