import { useEffect, useRef, useState } from "preact/hooks";
import { hashOf } from "../address";
import type { Application } from "../application";
import { age } from "../figures";
import type { SessionSummary } from "../rest";
import { Gate } from "./Gate";
import { Icon } from "./Icon";
import { memo } from "./memo";

interface SidebarProps {
  app: Application;
  sessions: readonly SessionSummary[];
  hasMore: boolean;
  current: string | null;
  /** Ids of conversations with an answer on its way, parted by spaces. */
  busy: string;
  isDrawerOpen: boolean;
  onClose(): void;
  onBegin(): void;
}

export function Sidebar({ app, sessions, hasMore, current, busy, isDrawerOpen, onClose, onBegin }: SidebarProps) {
  const isNarrow = useNarrow();
  const panel = useRef<HTMLElement>(null);
  const isHidden = isNarrow && !isDrawerOpen;
  useEffect(() => {
    if (!isNarrow || !isDrawerOpen) return;
    const opener = document.activeElement;
    panel.current?.querySelector<HTMLElement>("button")?.focus();
    return () => {
      if (opener instanceof HTMLElement) opener.focus();
    };
  }, [isNarrow, isDrawerOpen]);
  return (
    <>
      {isNarrow && isDrawerOpen && <div class="backdrop" onClick={onClose} />}
      <nav
        ref={panel}
        id="conversations"
        class={isDrawerOpen ? "sidebar sidebar-open" : "sidebar"}
        aria-label="Conversations"
        inert={isHidden}
      >
        <div class="sidebar-head">
          <p class="wordmark">
            <Gate />
            <span>Sluice</span>
          </p>
          <button type="button" class="button-icon only-narrow" aria-label="Close the list of conversations" onClick={onClose}>
            <Icon name="close" />
          </button>
        </div>
        <button type="button" class="button begin" data-testid="new-conversation" aria-keyshortcuts="Control+K Meta+K" onClick={onBegin}>
          <Icon name="plus" />
          <span>New conversation</span>
          <kbd aria-hidden="true">{navigator.platform.startsWith("Mac") ? "⌘K" : "Ctrl K"}</kbd>
        </button>
        <List sessions={sessions} current={current} busy={busy} />
        {hasMore && (
          <button type="button" class="button quiet" onClick={() => void app.listMore()}>
            Show older conversations
          </button>
        )}
      </nav>
    </>
  );
}

const List = memo(({ sessions, current, busy }: Pick<SidebarProps, "sessions" | "current" | "busy">) => {
  const now = new Date();
  const busyIds = new Set(busy.split(" "));
  const groups = Map.groupBy(sessions, (session) => age(session.updated_at, now));
  return (
    <div class="sidebar-list" data-testid="conversation-list">
      {sessions.length === 0 && <p class="sidebar-none">Your conversations will be listed here.</p>}
      {[...groups].map(([name, members]) => (
        <section key={name} aria-label={name}>
          <h2 class="sidebar-age">{name}</h2>
          <ul>
            {members.map((session) => (
              <li key={session.session_id}>
                <a
                  class="sidebar-link"
                  href={hashOf(session.session_id)}
                  aria-current={session.session_id === current ? "page" : undefined}
                >
                  <span class="sidebar-title">{session.title || "Untitled conversation"}</span>
                  {busyIds.has(session.session_id) && (
                    <span class="sidebar-busy" role="img" aria-label="An answer is being written" />
                  )}
                </a>
              </li>
            ))}
          </ul>
        </section>
      ))}
    </div>
  );
});

function useNarrow(): boolean {
  const [query] = useState(() => matchMedia("(max-width: 52rem)"));
  const [isNarrow, setNarrow] = useState(query.matches);
  useEffect(() => {
    const onChange = () => setNarrow(query.matches);
    query.addEventListener("change", onChange);
    return () => query.removeEventListener("change", onChange);
  }, [query]);
  return isNarrow;
}
