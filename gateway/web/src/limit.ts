import type { Limits } from "./protocol";

/** Room in a frame for everything but the text: the ids, the bot's name and the JSON around them. */
const FRAME_OVERHEAD_BYTES = 512;

/** What to tell the writer of a text that the gateway would refuse, or null. */
export function excessOf(text: string, limits: Limits): string | null {
  // No text this short can break either limit: JSON spends at most 6 bytes on a UTF-16 unit.
  if (text.length <= limits.text_characters && text.length * 6 + FRAME_OVERHEAD_BYTES <= limits.frame_bytes) return null;
  const characters = [...text].length;
  if (characters > limits.text_characters) {
    const over = characters - limits.text_characters;
    return `${over.toLocaleString("en")} ${over === 1 ? "character" : "characters"} too long`;
  }
  const bytes = new TextEncoder().encode(JSON.stringify(text)).length + FRAME_OVERHEAD_BYTES;
  return bytes > limits.frame_bytes ? "Too long to send in one message: shorten it" : null;
}
