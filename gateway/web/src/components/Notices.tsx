import { useEffect, useState } from "preact/hooks";
import type { Link } from "../connection";
import { Icon } from "./Icon";

interface NoticesProps {
  link: Link;
  notice: string | null;
  onDismiss(): void;
  onTryNow(): void;
}

export function Notices({ link, notice, onDismiss, onTryNow }: NoticesProps) {
  return (
    <div class="notices">
      {link.state === "waiting" && <Waiting link={link} onTryNow={onTryNow} />}
      {notice !== null && (
        <div class="notice" role="alert" data-testid="notice">
          <p>{notice}</p>
          <button type="button" class="button-icon small" aria-label="Dismiss this message" onClick={onDismiss}>
            <Icon name="close" />
          </button>
        </div>
      )}
    </div>
  );
}

function Waiting({ link, onTryNow }: { link: Extract<Link, { state: "waiting" }>; onTryNow(): void }) {
  const left = useCountdown(link);
  return (
    <div class="notice" data-testid="reconnecting">
      <p>
        <strong>{link.why}</strong> Trying again {left > 0 ? `in ${left} s` : "now"}. What you send meanwhile is
        kept{link.failures > 2 ? "; check that the gateway is running" : ""}.
      </p>
      <button type="button" class="button small" onClick={onTryNow}>
        Try now
      </button>
    </div>
  );
}

/** Whole seconds left until the next try. */
function useCountdown(link: Extract<Link, { state: "waiting" }>): number {
  const [left, setLeft] = useState(0);
  useEffect(() => {
    const end = performance.now() + link.retryInMs;
    const tick = () => setLeft(Math.max(0, Math.ceil((end - performance.now()) / 1000)));
    tick();
    const timer = setInterval(tick, 500);
    return () => clearInterval(timer);
  }, [link]);
  return left;
}
