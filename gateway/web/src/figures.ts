/** Numbers as people read them. */

import type { Latency, Usage } from "./protocol";

export function duration(milliseconds: number): string {
  if (milliseconds < 1000) return `${Math.round(milliseconds)} ms`;
  if (milliseconds < 60_000) return `${(milliseconds / 1000).toFixed(milliseconds < 10_000 ? 1 : 0)} s`;
  return `${Math.floor(milliseconds / 60_000)} min ${Math.round((milliseconds % 60_000) / 1000)} s`;
}

/** A decimal string from the ledger; small amounts keep two significant digits. */
export function cost(usd: string): string {
  const amount = Number(usd);
  if (!Number.isFinite(amount)) return usd;
  if (amount === 0) return "$0";
  if (amount >= 1) return `$${amount.toFixed(2)}`;
  if (amount >= 0.01) return `$${amount.toFixed(4).replace(/0{1,2}$/, "")}`;
  const places = Math.min(12, 1 - Math.floor(Math.log10(Math.abs(amount))));
  return `$${amount.toFixed(places)}`;
}

export function tokens(usage: Usage): string {
  const count = (value: number) => value.toLocaleString("en");
  return `${usage.estimated ? "≈ " : ""}${count(usage.prompt_tokens)} in, ${count(usage.completion_tokens)} out`;
}

export function latency(latency: Latency): string | null {
  const parts = [];
  if (latency.first_delta !== null) parts.push(`first word ${duration(latency.first_delta)}`);
  if (latency.total !== null) parts.push(`total ${duration(latency.total)}`);
  return parts.length === 0 ? null : parts.join(", ");
}

/** The heading under which a conversation is listed. */
export function age(updatedAt: string, now: Date): string {
  const startOfToday = new Date(now.getFullYear(), now.getMonth(), now.getDate()).getTime();
  const time = new Date(updatedAt).getTime();
  if (!(time < startOfToday)) return "Today";
  if (time >= startOfToday - 86_400_000) return "Yesterday";
  if (time >= startOfToday - 6 * 86_400_000) return "This week";
  return "Earlier";
}
