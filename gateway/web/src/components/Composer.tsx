import { useEffect, useRef, useState } from "preact/hooks";
import type { Application } from "../application";
import type { Bot, Limits } from "../protocol";
import { Icon } from "./Icon";
import { memo } from "./memo";
import { excessOf } from "../limit";

interface ComposerProps {
  app: Application;
  bots: readonly Bot[];
  bot: string | null;
  limits: Limits;
  isLive: boolean;
  isStopping: boolean;
  onSend(text: string): void;
  onStop(): void;
}

const MESSAGE_BOX = "message";

export function focusMessageBox(): void {
  document.getElementById(MESSAGE_BOX)?.focus();
}

export function Composer({ app, bots, bot, limits, isLive, isStopping, onSend, onStop }: ComposerProps) {
  const [text, setText] = useState("");
  const box = useRef<HTMLTextAreaElement>(null);
  const excess = excessOf(text, limits);
  const canSend = text.trim() !== "" && excess === null;

  useEffect(() => {
    const area = box.current;
    if (area === null) return;
    area.style.height = "auto";
    area.style.height = `${area.scrollHeight}px`;
  }, [text]);

  const send = () => {
    if (!canSend) return;
    onSend(text.trim());
    setText("");
    focusMessageBox();
  };
  return (
    <form
      class="composer"
      aria-label="Write a message"
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      <div class="composer-box">
        <textarea
          id={MESSAGE_BOX}
          ref={box}
          rows={1}
          aria-label="Message"
          aria-describedby="composer-note"
          aria-invalid={excess !== null}
          placeholder="Write a message"
          data-testid="message-box"
          value={text}
          onInput={(event) => setText(event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
            event.preventDefault();
            send();
          }}
        />
        <div class="composer-foot">
          <BotChoice app={app} bots={bots} bot={bot} />
          <p class={excess === null ? "composer-note" : "composer-note too-long"} id="composer-note">
            {excess ?? (isLive ? "Esc stops the answer" : "Enter sends, Shift+Enter starts a new line")}
          </p>
          {isLive && (
            <button type="button" class="button stop" data-testid="stop" disabled={isStopping} onClick={onStop}>
              <Icon name="stop" />
              <span>Stop</span>
            </button>
          )}
          <button type="submit" class="button-icon send" aria-label="Send" data-testid="send" disabled={!canSend}>
            <Icon name="send" />
          </button>
        </div>
      </div>
    </form>
  );
}

const BotChoice = memo(({ app, bots, bot }: Pick<ComposerProps, "app" | "bots" | "bot">) => {
  const chosen = bots.find((known) => known.name === bot);
  if (chosen === undefined) return null;
  if (bots.length === 1) {
    return (
      <span class="bot" title={chosen.description}>
        {chosen.name}
      </span>
    );
  }
  return (
    <select
      class="bot"
      aria-label="Who answers"
      title={chosen.description}
      data-testid="bot"
      value={chosen.name}
      onChange={(event) => app.chooseBot(event.currentTarget.value)}
    >
      {bots.map((known) => (
        <option key={known.name} value={known.name}>
          {known.name}
        </option>
      ))}
    </select>
  );
});
