import { useEffect, useState } from "preact/hooks";
import type { Application, State } from "../application";
import { liveTurns } from "../conversation";
import type { Actions } from "./actions";
import { Composer, focusMessageBox } from "./Composer";
import { ConversationLog } from "./ConversationLog";
import { DevelopmentBanner } from "./DevelopmentBanner";
import { EmptyState } from "./EmptyState";
import { Header } from "./Header";
import { Notices } from "./Notices";
import { Sidebar } from "./Sidebar";
import { SignIn } from "./SignIn";
import { Trouble } from "./Trouble";
import { useShortcuts } from "./useShortcuts";

interface PageProps {
  app: Application;
  state: State;
  actions: Actions;
}

export function Page({ app, state, actions }: PageProps) {
  const [isDrawerOpen, setDrawerOpen] = useState(false);
  const conversation = state.current === null ? undefined : state.conversations[state.current];
  const live = conversation === undefined ? [] : liveTurns(conversation);
  const listed = state.sessions.find((session) => session.session_id === state.current);
  const title = listed?.title ?? conversation?.turns[0]?.question?.slice(0, 80) ?? "New conversation";
  const bot = state.bots.find((known) => known.name === state.bot) ?? null;

  const begin = () => {
    actions.begin();
    setDrawerOpen(false);
    focusMessageBox();
  };
  const stop = () => app.stop();
  useShortcuts({
    begin,
    escape: () => {
      if (isDrawerOpen) setDrawerOpen(false);
      else if (live.length > 0) stop();
    },
  });
  useEffect(() => {
    setDrawerOpen(false);
    // On a phone the keyboard would jump up over what was just opened.
    if (matchMedia("(pointer: fine)").matches) focusMessageBox();
  }, [state.current]);
  useEffect(() => {
    document.title = state.current === null ? "Sluice" : `${title} · Sluice`;
  }, [title, state.current]);

  if (state.link.state === "signed_out") return <SignIn why={state.link.why} onToken={actions.signIn} />;

  const isBlank = state.current === null || (conversation?.loading === "loaded" && conversation.turns.length === 0);
  return (
    <div class="layout">
      <button type="button" class="skip" onClick={focusMessageBox}>
        Skip to the message box
      </button>
      <Sidebar
        app={app}
        sessions={state.sessions}
        hasMore={state.moreSessions !== null}
        current={state.current}
        busy={busySessions(state)}
        isDrawerOpen={isDrawerOpen}
        onClose={() => setDrawerOpen(false)}
        onBegin={begin}
      />
      <main class="main">
        <Header title={title} link={state.link} isDrawerOpen={isDrawerOpen} onMenu={() => setDrawerOpen(true)} />
        {bot?.development === true && <DevelopmentBanner />}
        {isBlank && <EmptyState onPrompt={actions.send} />}
        {!isBlank && conversation !== undefined && conversation.turns.length > 0 && (
          <ConversationLog key={conversation.id} app={app} turns={conversation.turns} onRetry={actions.send} />
        )}
        {!isBlank && conversation !== undefined && conversation.turns.length === 0 && (
          <Trouble loading={conversation.loading} onAgain={actions.reopen} onBegin={begin} />
        )}
        <Notices link={state.link} notice={state.notice} onDismiss={() => app.dismissNotice()} onTryNow={actions.reconnect} />
        <Composer
          app={app}
          bots={state.bots}
          bot={state.bot}
          limits={state.limits}
          isLive={live.length > 0}
          isStopping={live.some((turn) => turn.stopping)}
          onSend={actions.send}
          onStop={stop}
        />
      </main>
    </div>
  );
}

/** As one string, so that the list is drawn again only when it says something else. */
function busySessions(state: State): string {
  return Object.values(state.conversations)
    .filter((conversation) => liveTurns(conversation).length > 0)
    .map((conversation) => conversation.id)
    .join(" ");
}
