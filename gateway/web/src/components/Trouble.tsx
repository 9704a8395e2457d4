import type { Loading } from "../conversation";

interface TroubleProps {
  loading: Loading;
  onAgain(): void;
  onBegin(): void;
}

/** Stands in for a conversation that cannot be shown (yet). */
export function Trouble({ loading, onAgain, onBegin }: TroubleProps) {
  if (loading === "loading") {
    return (
      <div class="trouble" role="status">
        <p class="muted">Opening the conversation…</p>
      </div>
    );
  }
  const isUnknown = loading === "unknown";
  return (
    <div class="trouble" data-testid="trouble">
      <h2>{isUnknown ? "There is no such conversation" : "This conversation could not be loaded"}</h2>
      <p class="muted">
        {isUnknown
          ? "It may have been erased, or it belongs to someone else. Check the address, or start a new one."
          : "The gateway did not give it out just now. It is not lost: try again in a moment."}
      </p>
      <p class="trouble-buttons">
        {!isUnknown && (
          <button type="button" class="button primary" onClick={onAgain}>
            Try again
          </button>
        )}
        <button type="button" class={isUnknown ? "button primary" : "button"} onClick={onBegin}>
          New conversation
        </button>
      </p>
    </div>
  );
}
