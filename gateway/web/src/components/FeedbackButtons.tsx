import { useState } from "preact/hooks";
import type { Rating } from "../protocol";
import { Icon } from "./Icon";

interface FeedbackButtonsProps {
  rating: Rating | null;
  onRate(rating: Rating, comment: string | null): void;
}

export function FeedbackButtons({ rating, onRate }: FeedbackButtonsProps) {
  const [isAsking, setAsking] = useState(false);
  const rate = (chosen: Rating) => {
    onRate(chosen, null);
    setAsking(chosen === "down");
  };
  return (
    <>
      <button
        type="button"
        class="button-icon small"
        aria-label="Good answer"
        aria-pressed={rating === "up"}
        data-testid="rate-up"
        onClick={() => rate("up")}
      >
        <Icon name="up" />
      </button>
      <button
        type="button"
        class="button-icon small"
        aria-label="Bad answer"
        aria-pressed={rating === "down"}
        data-testid="rate-down"
        onClick={() => rate("down")}
      >
        <Icon name="thumbDown" />
      </button>
      {isAsking && (
        <CommentForm
          onDone={(comment) => {
            if (comment !== null) onRate("down", comment);
            setAsking(false);
          }}
        />
      )}
    </>
  );
}

function CommentForm({ onDone }: { onDone(comment: string | null): void }) {
  const [comment, setComment] = useState("");
  return (
    <form
      class="comment"
      onSubmit={(event) => {
        event.preventDefault();
        onDone(comment.trim() === "" ? null : comment.trim());
      }}
      onKeyDown={(event) => {
        if (event.key !== "Escape") return;
        event.stopPropagation();
        onDone(null);
      }}
    >
      <input
        ref={(input) => input?.focus()}
        aria-label="What was wrong? (optional)"
        placeholder="What was wrong? (optional)"
        maxLength={500}
        value={comment}
        onInput={(event) => setComment(event.currentTarget.value)}
      />
      <button type="submit" class="button small">
        {comment.trim() === "" ? "Skip" : "Send"}
      </button>
    </form>
  );
}
