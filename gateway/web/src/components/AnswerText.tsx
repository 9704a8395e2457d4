import { useRef } from "preact/hooks";
import { type Block, GrowingMarkdown, type OpenCode } from "../markdown";
import type { SafeHtml } from "../sanitise";
import { memo } from "./memo";

interface AnswerTextProps {
  text: string;
  /** Another number says that `text` was replaced. */
  revision: number;
  isOver: boolean;
}

interface Held {
  markdown: GrowingMarkdown;
  revision: number;
  length: number;
  ended: boolean;
}

export const AnswerText = memo(({ text, revision, isOver }: AnswerTextProps) => {
  const ref = useRef<Held | null>(null);
  let held = ref.current;
  if (held === null || held.revision !== revision || held.ended || text.length < held.length) {
    held = ref.current = { markdown: new GrowingMarkdown(), revision, length: 0, ended: false };
  }
  if (text.length > held.length) held.markdown.append(text.slice(held.length));
  held.length = text.length;
  if (isOver) held.markdown.end();
  held.ended = isOver;
  const { groups, recent, open, openCode } = held.markdown.view();
  return (
    <div class="markdown">
      {groups.map((blocks, index) => (
        <Group key={index} blocks={blocks} />
      ))}
      {recent.map((block) => (
        <Html key={`b${block.key}`} html={block.html} />
      ))}
      {open.map((html, index) => (
        <Html key={`o${index}`} html={html} />
      ))}
      {openCode !== null && <GrowingCode key="code" code={openCode} />}
    </div>
  );
});

const Group = memo(({ blocks }: { blocks: readonly Block[] }) => (
  <div class="group">
    {blocks.map((block) => (
      <Html key={block.key} html={block.html} />
    ))}
  </div>
));

const Html = memo(({ html }: { html: SafeHtml }) => (
  <div class="block" dangerouslySetInnerHTML={{ __html: html }} />
));

function GrowingCode({ code }: { code: OpenCode }) {
  const label = code.language || "text";
  return (
    <div class="block">
      <div class="code">
        <div class="code-head">
          <span class="code-language">{label}</span>
          <span class="code-writing">writing…</span>
        </div>
        <pre tabindex={0} role="region" aria-label={`Code, ${label}`}>
          <code>
            {code.parts.map((part, index) => (
              <Part key={index} text={part} />
            ))}
            <span class="code-part">{code.rest}</span>
          </code>
        </pre>
      </div>
    </div>
  );
}

const Part = memo(({ text }: { text: string }) => <span class="code-part">{text}</span>);
