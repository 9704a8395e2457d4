import type { Failure } from "../protocol";

interface FailureCardProps {
  failure: Failure;
  question: string | null;
  onRetry(text: string): void;
}

export function FailureCard({ failure, question, onRetry }: FailureCardProps) {
  return (
    <div class="failure" role="group" aria-label="This answer failed" data-testid="failure">
      <div>
        <p class="failure-message">{failure.message}</p>
        <p class="failure-more">
          <code>{failure.code}</code>
          {failure.retryable ? " Trying again may help." : " Trying the same again will not help: change the message."}
        </p>
      </div>
      {failure.retryable && question !== null && (
        <button type="button" class="button" data-testid="retry" onClick={() => onRetry(question)}>
          Retry
        </button>
      )}
    </div>
  );
}
