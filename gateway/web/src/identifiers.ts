/** A fresh id of the form the gateway takes: `[A-Za-z0-9_-]{1,64}`. */
export function newId(): string {
  // randomUUID exists in secure contexts only; a page served over plain HTTP has just getRandomValues.
  if (typeof crypto.randomUUID === "function") return crypto.randomUUID();
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
