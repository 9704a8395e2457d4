/** The session protocol `sluice.v1`: every frame the page sends and understands. */

export const SUBPROTOCOL = "sluice.v1";

/** Close codes that need more than "connect again". */
export const CLOSE_TOKEN_EXPIRED = 4401;

export type Rating = "up" | "down";

export interface Usage {
  prompt_tokens: number;
  completion_tokens: number;
  estimated: boolean;
}

/** Milliseconds; null where a stage did not happen. */
export interface Latency {
  first_delta: number | null;
  total: number | null;
  overhead: number | null;
}

export interface Bot {
  name: string;
  description: string;
  development: boolean;
}

export interface Limits {
  text_characters: number;
  frame_bytes: number;
}

export interface Failure {
  code: string;
  message: string;
  retryable: boolean;
}

export type ClientFrame =
  | { type: "message.send"; client_msg_id: string; session_id: string; text: string; bot: string }
  | { type: "turn.stop"; turn_id: string }
  | { type: "session.resume"; session_id: string; cursor: string | null }
  | { type: "feedback"; turn_id: string; rating: Rating; comment: string | null };

export type ReadyFrame = { type: "ready"; protocol: string; user_id: string; bots: Bot[]; limits: Limits };
export type AcceptedFrame = { type: "accepted"; turn_id: string; session_id: string; client_msg_id: string };
export type QueuedFrame = { type: "queued"; turn_id: string; position: number; eta_ms: number | null };
export type StartedFrame = { type: "started"; turn_id: string; session_id: string; attempt: number; model: string; continues?: boolean };
/** `seq` is that of the last delta in the frame; `first_seq` that of the first, when several were joined. */
export type DeltaFrame = {
  type: "delta";
  turn_id: string;
  attempt: number;
  seq: number;
  first_seq?: number;
  text: string;
};
export type ResetFrame = { type: "reset"; turn_id: string; attempt: number };
export type CompletedFrame = {
  type: "completed";
  turn_id: string;
  attempt: number;
  usage: Usage | null;
  cost_usd: string | null;
  latency_ms: Latency | null;
  model: string | null;
  finish_reason: string | null;
};
export type FailedFrame = { type: "failed"; turn_id: string } & Failure;
export type CancelledFrame = { type: "cancelled"; turn_id: string; attempt: number };
export type SnapshotFrame = {
  type: "snapshot";
  turn_id: string;
  session_id: string;
  attempt: number;
  seq: number;
  text: string;
};
export type ResyncFrame = { type: "resync_required"; session_id: string };
export type ErrorFrame = { type: "error"; ref: string | null } & Failure;

/** The frames that move one turn on. */
export type TurnFrame =
  | QueuedFrame
  | StartedFrame
  | DeltaFrame
  | ResetFrame
  | CompletedFrame
  | FailedFrame
  | CancelledFrame
  | SnapshotFrame;

export type ServerFrame = ReadyFrame | AcceptedFrame | TurnFrame | ResyncFrame | ErrorFrame;

const KNOWN: Record<ServerFrame["type"], true> = {
  ready: true,
  accepted: true,
  queued: true,
  started: true,
  delta: true,
  reset: true,
  completed: true,
  failed: true,
  cancelled: true,
  snapshot: true,
  resync_required: true,
  error: true,
};

/** Null for anything a newer gateway may say that this page does not know. */
export function decode(text: string): ServerFrame | null {
  let frame: unknown;
  try {
    frame = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof frame !== "object" || frame === null || !("type" in frame)) return null;
  return typeof frame.type === "string" && Object.hasOwn(KNOWN, frame.type) ? (frame as ServerFrame) : null;
}
