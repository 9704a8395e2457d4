import type { Application } from "../application";
import { duration } from "../figures";
import { pieces } from "../placeholders";
import { type Turn, isOver } from "../turn";
import { AnswerFigures } from "./AnswerFigures";
import { AnswerText } from "./AnswerText";
import { FailureCard } from "./FailureCard";
import { Gate } from "./Gate";
import { memo } from "./memo";

interface TurnItemProps {
  app: Application;
  turn: Turn;
  onRetry(text: string): void;
}

export const TurnItem = memo(({ app, turn, onRetry }: TurnItemProps) => {
  const over = isOver(turn);
  return (
    <li class="turn" data-testid="turn" data-phase={turn.phase}>
      <div class="question-row">
        <h2 class="unseen">You asked</h2>
        <div class="question" data-testid="question">
          {turn.question === null ? <span class="muted">…</span> : <Question text={turn.question} />}
        </div>
      </div>
      <div class="answer-row">
        <h2 class="unseen">Answer</h2>
        <Gate open={!over} size={26} />
        <div class="answer" data-testid="answer" aria-busy={!over}>
          {turn.answer !== "" && <AnswerText text={turn.answer} revision={turn.revision} isOver={over} />}
          <Progress turn={turn} />
          {turn.phase === "failed" && turn.failure !== null && (
            <FailureCard failure={turn.failure} question={turn.question} onRetry={onRetry} />
          )}
          {turn.phase === "cancelled" && <p class="ended">Stopped. The answer ends here.</p>}
          {turn.phase === "completed" && turn.finishReason === "length" && (
            <p class="ended">The answer reached its length limit. Ask to go on for the rest.</p>
          )}
          {turn.phase === "completed" && turn.finishReason === "fallback" && (
            <p class="ended">No model could answer. This is a prepared text.</p>
          )}
          {over && turn.id !== null && <AnswerFigures app={app} turn={turn} />}
        </div>
      </div>
    </li>
  );
});

function Question({ text }: { text: string }) {
  return (
    <>
      {pieces(text).map((piece, index) =>
        piece.masked ? (
          <span key={index} class="masked" title="masked before it left the gate" data-testid="masked">
            {piece.text.slice(1, -1)}
          </span>
        ) : (
          piece.text
        ),
      )}
    </>
  );
}

function Progress({ turn }: { turn: Turn }) {
  const said = progressOf(turn);
  if (said === null) return null;
  return (
    <p class="progress" data-testid="progress">
      <span class="flow" aria-hidden="true">
        <i />
        <i />
        <i />
      </span>
      <span>{said}</span>
    </p>
  );
}

function progressOf(turn: Turn): string | null {
  if (isOver(turn)) return null;
  if (turn.stopping) return "Stopping…";
  if (turn.queue !== null) {
    const eta = turn.queue.etaMs === null ? "" : `, about ${duration(Math.max(1000, turn.queue.etaMs))}`;
    return `Waiting in line: place ${turn.queue.position}${eta}`;
  }
  if (turn.phase === "sending") return "Sending…";
  if (turn.phase === "accepted") return "Received";
  return turn.answer === "" ? "Thinking…" : "Writing…";
}
