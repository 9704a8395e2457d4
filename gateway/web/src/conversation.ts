/** The turns of one conversation: a pure reducer over frames, loaded history and what the reader does. */

import type { AcceptedFrame, Failure, Rating, TurnFrame } from "./protocol";
import { type StoredTurn, withStored } from "./history";
import { type Ask, BLANK, type Turn, advance, cursorOf, isOver } from "./turn";

export type Loading = "new" | "loading" | "loaded" | "unknown" | "failed";

export interface Conversation {
  readonly id: string;
  readonly loading: Loading;
  readonly turns: readonly Turn[];
}

export type ConversationEvent =
  | { type: "sent"; clientMsgId: string; text: string; bot: string }
  | { type: "refused"; clientMsgId: string; failure: Failure }
  | { type: "stop_asked" }
  | { type: "rated"; turnId: string; rating: Rating }
  | { type: "loading"; loading: Loading }
  | { type: "history"; turns: readonly StoredTurn[] }
  | AcceptedFrame
  | TurnFrame;

export interface Reduced {
  readonly conversation: Conversation;
  readonly ask: Ask;
}

export function emptyConversation(id: string, loading: Loading): Conversation {
  return { id, loading, turns: [] };
}

export function liveTurns(conversation: Conversation): Turn[] {
  return conversation.turns.filter((turn) => !isOver(turn));
}

/** Where a resume has to start: at the first answer that is still being written. */
export function resumeCursor(conversation: Conversation): string | null {
  const running = conversation.turns.find((turn) => !isOver(turn) && turn.seq >= 0);
  return running === undefined ? null : cursorOf(running);
}

export function reduce(conversation: Conversation, event: ConversationEvent): Reduced {
  switch (event.type) {
    case "sent":
      return appended(conversation, { ...BLANK, clientMsgId: event.clientMsgId, question: event.text, bot: event.bot });
    case "loading":
      return { conversation: { ...conversation, loading: event.loading }, ask: null };
    case "history":
      return {
        conversation: { ...conversation, loading: "loaded", turns: withStored(conversation.turns, event.turns) },
        ask: null,
      };
    case "stop_asked": {
      const turns = conversation.turns.map((turn) => (isOver(turn) ? turn : { ...turn, stopping: true }));
      return { conversation: { ...conversation, turns }, ask: null };
    }
    case "refused":
      return changed(conversation, sentAs(conversation, event.clientMsgId), (turn) =>
        turn.phase === "sending" ? { ...turn, phase: "failed", failure: event.failure } : turn,
      );
    case "rated":
      return changed(conversation, ofId(conversation, event.turnId), (turn) => ({ ...turn, rating: event.rating }));
    case "accepted":
      return accepted(conversation, event);
    default:
      return onFrame(conversation, event);
  }
}

function accepted(conversation: Conversation, frame: AcceptedFrame): Reduced {
  const index = sentAs(conversation, frame.client_msg_id);
  if (index >= 0) {
    return changed(conversation, index, (turn) =>
      turn.id === null ? { ...turn, id: frame.turn_id, phase: turn.phase === "sending" ? "accepted" : turn.phase } : turn,
    );
  }
  if (ofId(conversation, frame.turn_id) >= 0) return { conversation, ask: null };
  const turn: Turn = { ...BLANK, id: frame.turn_id, clientMsgId: frame.client_msg_id, phase: "accepted" };
  return { ...appended(conversation, turn), ask: "reload" };
}

function onFrame(conversation: Conversation, frame: TurnFrame): Reduced {
  const index = ofId(conversation, frame.turn_id);
  const known = conversation.turns[index];
  // A turn begun on another device: show it at once, and load its question.
  const step = advance(known ?? { ...BLANK, id: frame.turn_id, phase: "accepted" }, frame);
  if (known === undefined) return { ...appended(conversation, step.turn), ask: step.ask ?? "reload" };
  return { ...changed(conversation, index, () => step.turn), ask: step.ask };
}

function appended(conversation: Conversation, turn: Turn): Reduced {
  return { conversation: { ...conversation, turns: [...conversation.turns, turn] }, ask: null };
}

function changed(conversation: Conversation, index: number, change: (turn: Turn) => Turn): Reduced {
  const turn = conversation.turns[index];
  if (turn === undefined) return { conversation, ask: null };
  const next = change(turn);
  if (next === turn) return { conversation, ask: null };
  return { conversation: { ...conversation, turns: conversation.turns.with(index, next) }, ask: null };
}

function sentAs(conversation: Conversation, clientMsgId: string): number {
  return conversation.turns.findLastIndex((turn) => turn.clientMsgId === clientMsgId);
}

function ofId(conversation: Conversation, turnId: string): number {
  return conversation.turns.findLastIndex((turn) => turn.id === turnId);
}
