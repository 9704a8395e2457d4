/** What the page knows and what the reader can do; components draw `state` and call the methods. */

import type { Connection, Link } from "./connection";
import {
  type Conversation,
  type ConversationEvent,
  emptyConversation,
  liveTurns,
  reduce,
  resumeCursor,
} from "./conversation";
import type { Bot, ErrorFrame, Limits, Rating, ReadyFrame, ServerFrame } from "./protocol";
import { Refused } from "./refusals";
import type { Rest, SessionSummary } from "./rest";
import type { Ask } from "./turn";

export interface State {
  readonly link: Link;
  readonly bots: readonly Bot[];
  readonly bot: string | null;
  readonly limits: Limits;
  readonly sessions: readonly SessionSummary[];
  readonly moreSessions: string | null;
  readonly current: string | null;
  readonly conversations: Readonly<Record<string, Conversation>>;
  /** Something went wrong that belongs to no turn. */
  readonly notice: string | null;
}

export interface ApplicationPorts {
  rest: Rest;
  newId(): string;
  now(): Date;
  /** Asked for at most one drawing at a time. */
  scheduleDraw(draw: () => void): void;
}

/** Until the gateway has told its own. */
const LIMITS: Limits = { text_characters: 16_000, frame_bytes: 65_536 };

/** What a message is for that was written before the gateway said which bots there are. */
const UNCHOSEN = "";

/** The gateway knows a conversation once it has accepted a turn of it. */
const isKnown = (conversation: Conversation) =>
  conversation.turns.length === 0 || conversation.turns.some((turn) => turn.id !== null);

export class Application {
  state: State = {
    link: { state: "connecting", failures: 0 },
    bots: [],
    bot: null,
    limits: LIMITS,
    sessions: [],
    moreSessions: null,
    current: null,
    conversations: {},
    notice: null,
  };
  readonly #ports: ApplicationPorts;
  #connection: Connection | null = null;
  /** Which conversation a turn belongs to: most frames name the turn only. */
  readonly #sessionOfTurn = new Map<string, string>();
  #listener: () => void = () => {};
  #isDrawPlanned = false;

  constructor(ports: ApplicationPorts) {
    this.#ports = ports;
  }

  attach(connection: Connection): void {
    this.#connection = connection;
  }

  onChange(listener: () => void): void {
    this.#listener = listener;
  }

  /** Opens a conversation, or the empty page. */
  open(sessionId: string | null): void {
    this.#set({ current: sessionId, notice: null });
    if (sessionId === null) return;
    const known = this.state.conversations[sessionId];
    if (known === undefined || known.loading === "failed" || known.loading === "unknown") void this.#load(sessionId);
  }

  /** Sends to the open conversation, or starts one; gives back its id. */
  send(text: string): string {
    const sessionId = this.state.current ?? this.#ports.newId();
    const clientMsgId = this.#ports.newId();
    const bot = this.state.bot ?? UNCHOSEN;
    this.#reduce(sessionId, { type: "sent", clientMsgId, text, bot });
    this.#list(sessionId, text, bot);
    this.#set({ current: sessionId, notice: null });
    this.#connection?.sendUntilSettled(clientMsgId, {
      type: "message.send",
      client_msg_id: clientMsgId,
      session_id: sessionId,
      text,
      bot,
    });
    return sessionId;
  }

  stop(): void {
    const conversation = this.#current();
    if (conversation === undefined) return;
    this.#reduce(conversation.id, { type: "stop_asked" });
    for (const turn of liveTurns(conversation)) if (turn.id !== null) this.#askStop(turn.id);
  }

  rate(turnId: string, rating: Rating, comment: string | null): void {
    const sessionId = this.#sessionOfTurn.get(turnId);
    if (sessionId === undefined) return;
    if (this.#connection?.send({ type: "feedback", turn_id: turnId, rating, comment }) === true) {
      this.#reduce(sessionId, { type: "rated", turnId, rating });
    } else {
      this.#set({ notice: "Your rating was not sent: the page is not connected. Try again in a moment." });
    }
  }

  chooseBot(name: string): void {
    this.#set({ bot: name });
  }

  dismissNotice(): void {
    this.#set({ notice: null });
  }

  async listMore(): Promise<void> {
    await this.#refreshList(this.state.moreSessions);
  }

  linkChanged(link: Link): void {
    this.#set({ link });
  }

  ready(frame: ReadyFrame): void {
    const bot = frame.bots.some((known) => known.name === this.state.bot) ? this.state.bot : frame.bots[0]?.name;
    this.#set({ bots: frame.bots, bot: bot ?? null, limits: frame.limits });
    for (const conversation of Object.values(this.state.conversations)) {
      const wanted = conversation.id === this.state.current || liveTurns(conversation).some((turn) => turn.id !== null);
      if (wanted && conversation.loading === "loaded" && isKnown(conversation)) this.#resume(conversation.id);
      else if (wanted && conversation.loading === "failed") void this.#load(conversation.id);
    }
    void this.#refreshList(null);
  }

  received(frame: Exclude<ServerFrame, ReadyFrame>): void {
    switch (frame.type) {
      case "error":
        this.#refused(frame);
        return;
      case "resync_required":
        void this.#load(frame.session_id);
        return;
      case "accepted": {
        this.#connection?.settle(frame.client_msg_id);
        this.#sessionOfTurn.set(frame.turn_id, frame.session_id);
        this.#reduce(frame.session_id, frame);
        const turn = this.state.conversations[frame.session_id]?.turns.findLast((one) => one.id === frame.turn_id);
        if (turn?.stopping) this.#askStop(frame.turn_id);
        return;
      }
      default: {
        const told = "session_id" in frame ? frame.session_id : undefined;
        const sessionId = told ?? this.#sessionOfTurn.get(frame.turn_id);
        if (sessionId === undefined) return;
        this.#sessionOfTurn.set(frame.turn_id, sessionId);
        this.#reduce(sessionId, frame);
        if (frame.type === "completed" || frame.type === "failed" || frame.type === "cancelled") {
          this.#connection?.settle(`stop:${frame.turn_id}`);
          void this.#refreshList(null);
        }
      }
    }
  }

  #current(): Conversation | undefined {
    return this.state.current === null ? undefined : this.state.conversations[this.state.current];
  }

  #askStop(turnId: string): void {
    this.#connection?.sendUntilSettled(`stop:${turnId}`, { type: "turn.stop", turn_id: turnId });
  }

  #refused(frame: ErrorFrame): void {
    const failure = { code: frame.code, message: frame.message, retryable: frame.retryable };
    if (frame.ref !== null) {
      this.#connection?.settle(frame.ref);
      this.#connection?.settle(`stop:${frame.ref}`);
      for (const conversation of Object.values(this.state.conversations)) {
        if (conversation.turns.some((turn) => turn.clientMsgId === frame.ref && turn.id === null)) {
          this.#reduce(conversation.id, { type: "refused", clientMsgId: frame.ref, failure });
          return;
        }
      }
    }
    this.#set({ notice: `${frame.message} (${frame.code})` });
  }

  #resume(sessionId: string): void {
    const conversation = this.state.conversations[sessionId];
    if (conversation === undefined) return;
    this.#connection?.send({ type: "session.resume", session_id: sessionId, cursor: resumeCursor(conversation) });
  }

  #reduce(sessionId: string, event: ConversationEvent): void {
    // A conversation that this page begins has nothing to load.
    const before =
      this.state.conversations[sessionId] ?? emptyConversation(sessionId, event.type === "sent" ? "loaded" : "loading");
    const { conversation, ask } = reduce(before, event);
    if (conversation !== before || this.state.conversations[sessionId] === undefined) {
      this.#set({ conversations: { ...this.state.conversations, [sessionId]: conversation } });
    }
    this.#follow(sessionId, ask);
  }

  #follow(sessionId: string, ask: Ask): void {
    if (ask === "resume") this.#resume(sessionId);
    if (ask === "reload") void this.#load(sessionId);
  }

  async #load(sessionId: string): Promise<void> {
    const shown = this.state.conversations[sessionId];
    if (shown === undefined || shown.loading !== "loaded") this.#reduce(sessionId, { type: "loading", loading: "loading" });
    try {
      const turns = await this.#ports.rest.turns(sessionId);
      for (const turn of turns) this.#sessionOfTurn.set(turn.turn_id, sessionId);
      this.#reduce(sessionId, { type: "history", turns });
      this.#resume(sessionId);
    } catch (error) {
      if ((this.state.conversations[sessionId]?.turns.length ?? 0) > 0) return;
      const isUnknown = error instanceof Refused && (error.status === 404 || error.status === 403);
      this.#reduce(sessionId, { type: "loading", loading: isUnknown ? "unknown" : "failed" });
    }
  }

  #list(sessionId: string, text: string, bot: string): void {
    const listed = this.state.sessions.find((session) => session.session_id === sessionId);
    const updated_at = this.#ports.now().toISOString();
    const entry = listed ?? { session_id: sessionId, title: text.slice(0, 80), bot, updated_at, turns: 0 };
    const others = this.state.sessions.filter((session) => session !== listed);
    this.#set({ sessions: [{ ...entry, updated_at, turns: entry.turns + 1 }, ...others] });
  }

  async #refreshList(cursor: string | null): Promise<void> {
    try {
      const page = await this.#ports.rest.sessions(cursor);
      const fresh = new Set(page.sessions.map((session) => session.session_id));
      const kept = this.state.sessions.filter((session) => !fresh.has(session.session_id));
      const both = [...page.sessions, ...kept].sort((a, b) => b.updated_at.localeCompare(a.updated_at));
      const isFirstOfMany = cursor === null && kept.length > 0 && this.state.moreSessions !== null;
      this.#set({ sessions: both, moreSessions: isFirstOfMany ? this.state.moreSessions : page.next });
    } catch {
      // The list shown stays; the state of the connection is told elsewhere.
    }
  }

  #set(change: Partial<State>): void {
    this.state = { ...this.state, ...change };
    if (this.#isDrawPlanned) return;
    this.#isDrawPlanned = true;
    this.#ports.scheduleDraw(() => {
      this.#isDrawPlanned = false;
      this.#listener();
    });
  }
}
