/** Markdown tokens to HTML. Raw HTML is text, images are links, other addresses than web and mail are dropped. */

import { Marked, type Renderer, type Token, type Tokens } from "marked";
import { highlight } from "./highlight";

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** The first word after the fence, as a label. */
export function languageOf(info: string | undefined): string {
  return (info ?? "").trim().split(/[\s{,]/, 1)[0] ?? "";
}

function webAddress(href: string): string | null {
  try {
    // Control characters and spaces are what browsers skip when they look for a scheme.
    const url = new URL(href.replace(/[\u0000-\u0020]+/g, ""));
    return ["http:", "https:", "mailto:"].includes(url.protocol) ? url.href : null;
  } catch {
    return null;
  }
}

function anchor(href: string, title: string | null | undefined, inner: string): string {
  const address = webAddress(href);
  if (address === null) return inner;
  const titlePart = title ? ` title="${escapeHtml(title)}"` : "";
  return `<a href="${escapeHtml(address)}"${titlePart} target="_blank" rel="noopener noreferrer">${inner}</a>`;
}

function codeBlock({ text, lang }: Tokens.Code, colour: boolean): string {
  const language = languageOf(lang);
  const body = (colour ? highlight(text, language.toLowerCase()) : null) ?? escapeHtml(text);
  const label = escapeHtml(language || "text");
  return (
    `<div class="code"><div class="code-head"><span class="code-language">${label}</span>` +
    `<button type="button" class="code-copy">Copy</button></div>` +
    `<pre tabindex="0" role="region" aria-label="Code, ${label}"><code>${body}</code></pre></div>`
  );
}

function rendererWith(colour: boolean): Partial<Renderer> {
  return {
    code: (token) => codeBlock(token, colour),
    html: ({ text }) => escapeHtml(text),
    image: ({ href, title, text }) => anchor(href, title, escapeHtml(text || href)),
    link(token) {
      return anchor(token.href, token.title, (this as Renderer).parser.parseInline(token.tokens));
    },
    checkbox: ({ checked }) => `<span class="task" role="img" aria-label="${checked ? "done" : "to do"}">${checked ? "☑" : "☐"}</span> `,
    table(token) {
      const row = (cells: Tokens.TableCell[], tag: "td" | "th") => {
        const inner = (cell: Tokens.TableCell) => (this as Renderer).parser.parseInline(cell.tokens);
        const open = (cell: Tokens.TableCell) => `<${tag}${cell.align ? ` align="${cell.align}"` : ""}>`;
        return `<tr>${cells.map((cell) => `${open(cell)}${inner(cell)}</${tag}>`).join("")}</tr>`;
      };
      const body = token.rows.map((cells) => row(cells, "td")).join("");
      return (
        `<div class="table" role="region" aria-label="Table" tabindex="0"><table>` +
        `<thead>${row(token.header, "th")}</thead><tbody>${body}</tbody></table></div>`
      );
    },
  };
}

const nothing = () => undefined;
/**
 * Raw HTML and link definitions are read as plain text. A definition could give a link to a block
 * that was finished long before it, and a finished block never changes.
 */
const tokenizer = { html: nothing, tag: nothing, def: nothing };

const plain = new Marked({ gfm: true, renderer: rendererWith(false) as never, tokenizer });
const coloured = new Marked({ gfm: true, renderer: rendererWith(true) as never, tokenizer });

export function lex(source: string): Token[] {
  return plain.lexer(source);
}

/** `finished` blocks get their colours; a block that still grows does not. */
export function toHtml(tokens: Token[], finished: boolean): string {
  return (finished ? coloured : plain).parser(tokens);
}
