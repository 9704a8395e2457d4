import { useState } from "preact/hooks";
import type { Application } from "../application";
import { cost, latency, tokens } from "../figures";
import type { Turn } from "../turn";
import { copyText } from "./copying";
import { FeedbackButtons } from "./FeedbackButtons";
import { Icon } from "./Icon";

export function AnswerFigures({ app, turn }: { app: Application; turn: Turn }) {
  const time = turn.latency === null ? null : latency(turn.latency);
  return (
    <div class="after">
      <ul class="figures" data-testid="figures" aria-label="About this answer">
        {turn.model !== null && (
          <li class="figure-model" data-testid="figure-model">
            <span class="unseen">Model </span>
            {turn.model}
          </li>
        )}
        {turn.costUsd !== null && (
          <li data-testid="figure-cost" title={`${turn.costUsd} US dollars`}>
            <span class="unseen">Cost </span>
            {cost(turn.costUsd)}
          </li>
        )}
        {turn.usage !== null && (
          <li data-testid="figure-tokens" title={turn.usage.estimated ? "Counted by the gateway, not by the provider" : ""}>
            <span class="unseen">Tokens </span>
            {tokens(turn.usage)}
          </li>
        )}
        {time !== null && <li data-testid="figure-latency">{time}</li>}
      </ul>
      <div class="after-buttons">
        {turn.answer !== "" && <CopyAnswer text={turn.answer} />}
        {turn.phase === "completed" && turn.id !== null && (
          <FeedbackButtons rating={turn.rating} onRate={(rating, comment) => app.rate(turn.id ?? "", rating, comment)} />
        )}
      </div>
    </div>
  );
}

function CopyAnswer({ text }: { text: string }) {
  const [isCopied, setCopied] = useState(false);
  const onClick = async () => {
    if (!(await copyText(text))) return;
    setCopied(true);
    setTimeout(() => setCopied(false), 1_600);
  };
  return (
    <button type="button" class="button-icon small" aria-label={isCopied ? "Copied" : "Copy the answer"} onClick={() => void onClick()}>
      <Icon name={isCopied ? "check" : "copy"} />
    </button>
  );
}
