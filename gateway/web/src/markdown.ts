/**
 * An answer that grows: each block is lexed and rendered until the next one begins, then never again.
 *
 * Blocks are told apart on complete lines only, because a half line may still join the block before
 * it ("2" after a list becomes "2. next"). An open fence is not lexed at all until it closes.
 */

import type { Token } from "marked";
import { lex, languageOf, toHtml } from "./rendering";
import { type SafeHtml, sanitise } from "./sanitise";

export interface Block {
  readonly key: number;
  readonly html: SafeHtml;
}

/** A code block whose closing fence has not come; `parts` only ever grows. */
export interface OpenCode {
  readonly language: string;
  readonly parts: readonly string[];
  readonly rest: string;
}

export interface View {
  /** Full groups of finished blocks; each keeps its identity for ever. */
  readonly groups: readonly (readonly Block[])[];
  /** The finished blocks after the last full group. */
  readonly recent: readonly Block[];
  /** Blocks that may still change. */
  readonly open: readonly SafeHtml[];
  readonly openCode: OpenCode | null;
}

export interface MarkdownPorts {
  lex(source: string): Token[];
  toHtml(tokens: Token[], finished: boolean): string;
  sanitise(html: string): SafeHtml;
}

const GROUP_BLOCKS = 16;
const PART_LINES = 40;
const FENCE = /^(`{3,}|~{3,})([^\n]*)\n/;

interface OpenFence {
  closing: RegExp;
  language: string;
  parts: string[];
  /** Where in the tail the code after the last part begins, and where the next unread line begins. */
  partStart: number;
  lineStart: number;
  lines: number;
}

export class GrowingMarkdown {
  readonly #ports: MarkdownPorts;
  #groups: readonly (readonly Block[])[] = [];
  #recent: readonly Block[] = [];
  #blocks = 0;
  #tail = "";
  /** How much of the tail was already searched for finished blocks. */
  #settled = 0;
  #fence: OpenFence | null = null;

  constructor(ports: MarkdownPorts = { lex, toHtml, sanitise }) {
    this.#ports = ports;
  }

  append(text: string): void {
    this.#tail += text.replaceAll("\r", "");
  }

  /** No more text will come: whatever is left is finished. */
  end(): void {
    this.#settle();
    this.#fence = null;
    this.#finish(this.#ports.lex(this.#tail));
    this.#tail = "";
    this.#settled = 0;
  }

  view(): View {
    this.#settle();
    return {
      groups: this.#groups,
      recent: this.#recent,
      open: this.#fence === null ? this.#openBlocks() : [],
      openCode: this.#fence === null ? null : this.#openCode(this.#fence),
    };
  }

  #openBlocks(): SafeHtml[] {
    if (this.#tail === "") return [];
    const tokens = this.#ports.lex(this.#tail).filter((token) => token.type !== "space");
    return tokens.map((token) => this.#ports.sanitise(this.#ports.toHtml([token], false)));
  }

  #openCode(fence: OpenFence): OpenCode {
    return { language: fence.language, parts: [...fence.parts], rest: this.#tail.slice(fence.partStart) };
  }

  #settle(): void {
    for (;;) {
      if (this.#fence !== null && !this.#closeFence(this.#fence)) return;
      const end = this.#tail.lastIndexOf("\n") + 1;
      if (end <= this.#settled) return;
      this.#settled = end;
      this.#finishComplete(this.#ports.lex(this.#tail.slice(0, end)));
      if (this.#fence === null) return;
    }
  }

  /** All blocks but the last are finished, and the last too if it is a closed fence. */
  #finishComplete(tokens: Token[]): void {
    const last = tokens.findLastIndex((token) => token.type !== "space");
    const final = tokens[last];
    if (final === undefined) return;
    const opening = final.type === "code" ? FENCE.exec(final.raw) : null;
    const closing = new RegExp(`^ {0,3}${opening?.[1] ?? "```"}[~\`]* *$`);
    const lines = final.raw.trimEnd().split("\n");
    const isClosed = opening !== null && lines.length > 1 && closing.test(lines.at(-1) ?? "");
    const finished = tokens.slice(0, isClosed ? last + 1 : last);
    const length = finished.reduce((sum, token) => sum + token.raw.length, 0);
    this.#finish(finished);
    this.#tail = this.#tail.slice(length);
    this.#settled -= length;
    if (opening === null || isClosed) return;
    const start = opening[0].length;
    const language = languageOf(opening[2]);
    this.#fence = { closing, language, parts: [], partStart: start, lineStart: start, lines: 0 };
  }

  /** Reads the new lines of an open fence; true when it closed. */
  #closeFence(fence: OpenFence): boolean {
    for (;;) {
      const end = this.#tail.indexOf("\n", fence.lineStart);
      if (end < 0) return false;
      if (fence.closing.test(this.#tail.slice(fence.lineStart, end))) {
        this.#fence = null;
        this.#finish(this.#ports.lex(this.#tail.slice(0, end + 1)));
        this.#tail = this.#tail.slice(end + 1);
        this.#settled = 0;
        return true;
      }
      fence.lineStart = end + 1;
      if (++fence.lines % PART_LINES === 0) {
        fence.parts.push(this.#tail.slice(fence.partStart, fence.lineStart));
        fence.partStart = fence.lineStart;
      }
    }
  }

  #finish(tokens: Token[]): void {
    const added = tokens
      .filter((token) => token.type !== "space")
      .map((token) => ({ key: this.#blocks++, html: this.#ports.sanitise(this.#ports.toHtml([token], true)) }));
    if (added.length === 0) return;
    const recent = [...this.#recent, ...added];
    const full = recent.length - (recent.length % GROUP_BLOCKS);
    for (let start = 0; start < full; start += GROUP_BLOCKS) {
      this.#groups = [...this.#groups, recent.slice(start, start + GROUP_BLOCKS)];
    }
    this.#recent = recent.slice(full);
  }
}
