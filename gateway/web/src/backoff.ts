/** Exponential back-off with full jitter: anything between nothing and the doubled bound. */

export const FIRST_BOUND_MS = 500;
export const LAST_BOUND_MS = 20_000;

/** `failures` counts from 0; `chance` is in [0, 1). */
export function backoffMs(failures: number, chance: number): number {
  const bound = Math.min(LAST_BOUND_MS, FIRST_BOUND_MS * 2 ** Math.min(failures, 16));
  return Math.round(bound * chance);
}
