/** Frames as the gateway sends them, for the tests. */

import type { CompletedFrame, DeltaFrame } from "../src/protocol";

export function delta(seq: number, text: string, attempt = 1, firstSeq?: number): DeltaFrame {
  return { type: "delta", turn_id: "t1", attempt, seq, text, ...(firstSeq === undefined ? {} : { first_seq: firstSeq }) };
}

export function completed(attempt = 1): CompletedFrame {
  return {
    type: "completed",
    turn_id: "t1",
    attempt,
    usage: { prompt_tokens: 12, completion_tokens: 34, estimated: false },
    cost_usd: "0.000012",
    latency_ms: { first_delta: 200, total: 900, overhead: 20 },
    model: "model-a",
    finish_reason: "stop",
  };
}
