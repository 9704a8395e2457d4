import { describe, expect, it } from "vitest";
import { GrowingMarkdown, type MarkdownPorts, type View } from "../src/markdown";
import { lex, toHtml } from "../src/rendering";
import type { SafeHtml } from "../src/sanitise";

/** The real ports, with a record of what was lexed and rendered for good. */
class CountingPorts implements MarkdownPorts {
  lexed: string[] = [];
  finished: string[] = [];
  lex = (source: string) => {
    this.lexed.push(source);
    return lex(source);
  };
  toHtml = (tokens: Parameters<typeof toHtml>[0], finished: boolean) => {
    if (finished) this.finished.push(tokens.map((token) => token.raw).join(""));
    return toHtml(tokens, finished);
  };
  sanitise = (html: string) => html as SafeHtml;
}

function htmlOf(view: View): string {
  return [...view.groups.flat(), ...view.recent].map((block) => block.html).join("\n");
}

function rendered(chunks: string[], ports: MarkdownPorts): string {
  const markdown = new GrowingMarkdown(ports);
  for (const chunk of chunks) {
    markdown.append(chunk);
    markdown.view();
  }
  markdown.end();
  return htmlOf(markdown.view());
}

/** mulberry32: the same numbers in every run. */
function chances(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

const FRAGMENTS = [
  ..."# Title\n|\n|\n\n|Plain *words* and `code`\n|Setext\n===\n|---\n|- item\n|- [x] done\n|  - nested\n".split("|"),
  ..."1. one\n|2. two\n|10) ten\n|* star\n|    indented\n|  continued\n|> quoted\n|>\n|lazy\n|<div>\n|</div>\n".split("|"),
  ..."```js\n|```\n|````\n|~~~\n|let a = 1;\n|[x]: https://example.com\n|[x]\n|<!-- open\n|a **bold\n|text**\n|\t\ttabs\n".split("|"),
  "| a | b |\n",
  "|---|:-:|\n",
  "| 1 | `x` |\n",
  "<https://example.com> www.example.com\r\n",
  "no line end",
  "2",
  ".",
  " ",
];

describe("a growing answer", () => {
  it("reads the same in whatever pieces it comes", () => {
    const chance = chances(7);
    for (let round = 0; round < 1500; round++) {
      const parts = Array.from({ length: 2 + Math.floor(chance() * 12) }, () => FRAGMENTS[Math.floor(chance() * FRAGMENTS.length)] ?? "");
      const source = parts.join("");
      const whole = lex(source.replaceAll("\r", ""))
        .filter((token) => token.type !== "space")
        .map((token) => toHtml([token], true))
        .join("\n");
      const chunks: string[] = [];
      for (let start = 0; start < source.length; ) {
        const length = 1 + Math.floor(chance() * 9);
        chunks.push(source.slice(start, start + length));
        start += length;
      }
      expect(rendered(chunks, new CountingPorts()), JSON.stringify(source)).toBe(whole);
    }
  });

  it("never lexes a finished block again", () => {
    const ports = new CountingPorts();
    const source = Array.from({ length: 200 }, (_, index) => `Paragraph number ${index} here.\n\n`).join("");
    rendered(source.match(/[^]{1,7}/g) ?? [], ports);
    const longest = Math.max(...ports.lexed.map((text) => text.length));
    expect(longest).toBeLessThan(80);
    expect(ports.finished).toHaveLength(200);
  });

  it("does not lex an open code block while it grows", () => {
    const ports = new CountingPorts();
    const markdown = new GrowingMarkdown(ports);
    markdown.append("```python\nx = 1\n");
    markdown.view();
    const before = ports.lexed.length;
    for (let line = 0; line < 1000; line++) {
      markdown.append("y = 2\n");
      markdown.view();
    }
    expect(ports.lexed).toHaveLength(before);
    expect(markdown.view().openCode).toMatchObject({ language: "python" });
    expect(markdown.view().openCode?.parts).toHaveLength(25);
    markdown.append("```\n");
    expect(markdown.view().openCode).toBeNull();
    expect(ports.finished).toHaveLength(1);
  });

  it("keeps the identity of finished groups, so that nothing of them is drawn again", () => {
    const markdown = new GrowingMarkdown();
    markdown.append("word\n\n".repeat(40));
    const before = markdown.view();
    markdown.append("more\n\n");
    const after = markdown.view();
    expect(before.groups).toHaveLength(2);
    expect(after.groups[1]).toBe(before.groups[1]);
    expect(after.recent[0]).toBe(before.recent[0]);
  });
});
