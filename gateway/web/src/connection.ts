/** Keeps one session socket alive: tickets, reconnects with back-off, and frames that must not get lost. */

import { backoffMs } from "./backoff";
import { CLOSE_TOKEN_EXPIRED, type ClientFrame, type ReadyFrame, type ServerFrame, decode } from "./protocol";
import { Refused, SignInNeeded } from "./refusals";

export type Link =
  | { state: "connecting"; failures: number }
  | { state: "open" }
  | { state: "waiting"; failures: number; retryInMs: number; why: string }
  | { state: "signed_out"; why: string };

export interface Socket {
  send(text: string): void;
  close(): void;
}

export interface SocketEvents {
  received(text: string): void;
  closed(code: number): void;
}

export interface ConnectionPorts {
  /** Raises SignInNeeded when no token can be had, Refused on a refusal, TypeError without network. */
  ticket(): Promise<string>;
  dropToken(): void;
  open(ticket: string, events: SocketEvents): Socket;
  /** Returns what cancels the call. */
  after(ms: number, call: () => void): () => void;
  chance(): number;
}

export interface ConnectionEvents {
  link(link: Link): void;
  ready(frame: ReadyFrame): void;
  frame(frame: Exclude<ServerFrame, ReadyFrame>): void;
}

/** A connection that lived this long counts as good: the back-off starts again from its first bound. */
const STABLE_MS = 5_000;

export class Connection {
  readonly #ports: ConnectionPorts;
  readonly #events: ConnectionEvents;
  /** Sent again after each reconnect until settled; in the order of first sending. */
  readonly #unsettled = new Map<string, ClientFrame>();
  #socket: Socket | null = null;
  #isReady = false;
  #failures = 0;
  /** Everything that belongs to an earlier try is told by its number and ignored. */
  #generation = 0;
  #cancelTimer: () => void = () => {};

  constructor(ports: ConnectionPorts, events: ConnectionEvents) {
    this.#ports = ports;
    this.#events = events;
  }

  /** Connects now, whatever was planned; harmless while a connection is open. */
  async connect(): Promise<void> {
    if (this.#socket !== null) return;
    this.#cancelTimer();
    const generation = ++this.#generation;
    this.#events.link({ state: "connecting", failures: this.#failures });
    let ticket: string;
    try {
      ticket = await this.#ports.ticket();
    } catch (error) {
      if (generation === this.#generation) this.#withoutTicket(error);
      return;
    }
    if (generation !== this.#generation) return;
    this.#socket = this.#ports.open(ticket, {
      received: (text) => {
        if (generation === this.#generation) this.#received(text);
      },
      closed: (code) => {
        if (generation === this.#generation) this.#closed(code);
      },
    });
  }

  /** False when the frame could not go out now. */
  send(frame: ClientFrame): boolean {
    if (this.#socket === null || !this.#isReady) return false;
    this.#socket.send(JSON.stringify(frame));
    return true;
  }

  /** Like send, but kept and sent again after a reconnect until `settle(key)`. */
  sendUntilSettled(key: string, frame: ClientFrame): void {
    this.#unsettled.set(key, frame);
    this.send(frame);
  }

  settle(key: string): void {
    this.#unsettled.delete(key);
  }

  #received(text: string): void {
    const greeting = decode(text);
    if (greeting === null) return;
    if (greeting.type !== "ready") {
      this.#events.frame(greeting);
      return;
    }
    this.#isReady = true;
    this.#cancelTimer = this.#ports.after(STABLE_MS, () => {
      this.#failures = 0;
    });
    this.#events.link({ state: "open" });
    this.#events.ready(greeting);
    for (const [key, unsettled] of this.#unsettled) {
      const frame = addressed(unsettled, greeting);
      this.#unsettled.set(key, frame);
      this.send(frame);
    }
  }

  #closed(code: number): void {
    this.#socket = null;
    this.#isReady = false;
    this.#cancelTimer();
    if (code === CLOSE_TOKEN_EXPIRED) this.#ports.dropToken();
    this.#retryLater("The connection to the gateway was lost.", 0);
  }

  #withoutTicket(error: unknown): void {
    if (error instanceof SignInNeeded) {
      this.#generation++;
      this.#events.link({ state: "signed_out", why: error.message });
    } else if (error instanceof Refused) {
      this.#retryLater(error.message, error.retryAfterMs);
    } else {
      this.#retryLater("The gateway cannot be reached.", 0);
    }
  }

  #retryLater(why: string, atLeastMs: number): void {
    const retryInMs = Math.max(atLeastMs, backoffMs(this.#failures, this.#ports.chance()));
    this.#failures++;
    this.#events.link({ state: "waiting", failures: this.#failures, retryInMs, why });
    this.#cancelTimer = this.#ports.after(retryInMs, () => void this.connect());
  }
}

/** A message written before the first greeting goes to the first bot of it. */
function addressed(frame: ClientFrame, greeting: ReadyFrame): ClientFrame {
  return frame.type === "message.send" && frame.bot === "" ? { ...frame, bot: greeting.bots[0]?.name ?? "" } : frame;
}
