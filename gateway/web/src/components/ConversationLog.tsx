import type { Application } from "../application";
import type { Turn } from "../turn";
import { isOver } from "../turn";
import { copyCodeOf } from "./copying";
import { Icon } from "./Icon";
import { TurnItem } from "./TurnItem";
import { useStickToEnd } from "./useStickToEnd";

interface ConversationLogProps {
  app: Application;
  turns: readonly Turn[];
  onRetry(text: string): void;
}

export function ConversationLog({ app, turns, onRetry }: ConversationLogProps) {
  const { scroller, content, isAway, jump } = useStickToEnd(turns.length);
  const onClick = (event: MouseEvent) => {
    const button = event.target instanceof Element ? event.target.closest<HTMLButtonElement>(".code-copy") : null;
    if (button !== null) void copyCodeOf(button);
  };
  return (
    <div class="log-frame">
      {/* Reachable by keyboard, so that it can be scrolled without a mouse. */}
      <div class="log" ref={scroller} role="log" aria-live="polite" aria-label="Conversation" tabindex={0} onClick={onClick}>
        <ol class="turns" ref={content}>
          {turns.map((turn, index) => (
            <TurnItem key={turn.clientMsgId ?? turn.id ?? index} app={app} turn={turn} onRetry={onRetry} />
          ))}
        </ol>
      </div>
      {isAway && (
        <button type="button" class="jump" data-testid="jump" onClick={jump}>
          <Icon name="down" />
          <span>{turns.some((turn) => !isOver(turn)) ? "Follow the answer" : "Jump to latest"}</span>
        </button>
      )}
    </div>
  );
}
