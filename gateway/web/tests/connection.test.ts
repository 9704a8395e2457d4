import { describe, expect, it } from "vitest";
import { LAST_BOUND_MS, backoffMs } from "../src/backoff";
import { Connection, type Link, type Socket, type SocketEvents } from "../src/connection";
import type { ClientFrame, ServerFrame } from "../src/protocol";
import { Refused, SignInNeeded } from "../src/refusals";

class FakeSocket implements Socket {
  readonly sent: ClientFrame[] = [];
  constructor(readonly events: SocketEvents) {}
  send(text: string): void {
    this.sent.push(JSON.parse(text) as ClientFrame);
  }
  close(): void {
    this.events.closed(1000);
  }
  says(frame: object): void {
    this.events.received(JSON.stringify(frame));
  }
  ready(): void {
    this.says({ type: "ready", protocol: "sluice.v1", user_id: "u", bots: [{ name: "dev", description: "", development: true }], limits: {} });
  }
}

/** A gateway and a clock in one: sockets are opened on it, timers fire when told. */
class FakeWorld {
  readonly sockets: FakeSocket[] = [];
  readonly links: Link[] = [];
  readonly frames: ServerFrame[] = [];
  timers: { ms: number; call: () => void }[] = [];
  tokensDropped = 0;
  refusal: Error | null = null;
  chance = 0.5;
  readonly connection = new Connection(
    {
      ticket: () => (this.refusal === null ? Promise.resolve("ticket") : Promise.reject(this.refusal)),
      dropToken: () => {
        this.tokensDropped++;
      },
      open: (_ticket, events) => {
        const socket = new FakeSocket(events);
        this.sockets.push(socket);
        return socket;
      },
      after: (ms, call) => {
        const timer = { ms, call };
        this.timers.push(timer);
        return () => {
          this.timers = this.timers.filter((one) => one !== timer);
        };
      },
      chance: () => this.chance,
    },
    {
      link: (link) => this.links.push(link),
      ready: (frame) => this.frames.push(frame),
      frame: (frame) => this.frames.push(frame),
    },
  );

  get socket(): FakeSocket {
    return this.sockets.at(-1)!;
  }

  async opened(): Promise<FakeSocket> {
    await this.connection.connect();
    this.socket.ready();
    return this.socket;
  }

  /** Lets the only timer fire, and what follows from it happen. */
  async passTime(): Promise<number> {
    expect(this.timers).toHaveLength(1);
    const timer = this.timers.pop()!;
    timer.call();
    await new Promise((resolve) => setTimeout(resolve));
    return timer.ms;
  }
}

const SEND: ClientFrame = { type: "message.send", client_msg_id: "m1", session_id: "s1", text: "hi", bot: "dev" };

describe("back-off", () => {
  it("doubles its bound up to the last one and spreads over all of it", () => {
    expect([0, 1, 2, 3].map((failures) => backoffMs(failures, 0.999999))).toEqual([500, 1000, 2000, 4000]);
    expect(backoffMs(50, 0.999999)).toBe(LAST_BOUND_MS);
    expect(backoffMs(6, 0)).toBe(0);
  });
});

describe("connection", () => {
  it("waits longer after each failure and tells so", async () => {
    const world = new FakeWorld();
    await world.connection.connect();
    const waits: number[] = [];
    for (let round = 0; round < 4; round++) {
      world.socket.events.closed(1006);
      waits.push(await world.passTime());
    }
    expect(waits).toEqual([250, 500, 1000, 2000]);
    expect(world.sockets).toHaveLength(5);
    expect(world.links.at(-2)).toMatchObject({ state: "waiting", failures: 4, retryInMs: 2000 });
  });

  it("starts from the first bound only after a connection that lasted", async () => {
    const world = new FakeWorld();
    await world.opened();
    world.socket.events.closed(1012);
    expect(await world.passTime()).toBe(250);
    world.socket.ready();
    world.socket.events.closed(1012);
    expect(await world.passTime()).toBe(500);
    world.socket.ready();
    expect(await world.passTime()).toBe(5000);
    world.socket.events.closed(1012);
    expect(await world.passTime()).toBe(250);
  });

  it("addresses a message written before the greeting to the first bot of it", async () => {
    const world = new FakeWorld();
    await world.connection.connect();
    world.connection.sendUntilSettled("m1", { ...SEND, bot: "" });
    world.socket.ready();
    expect(world.socket.sent).toEqual([{ ...SEND, bot: "dev" }]);
  });

  it("sends an unacknowledged message again with the same id, and not after it was settled", async () => {
    const world = new FakeWorld();
    const first = await world.opened();
    world.connection.sendUntilSettled("m1", SEND);
    expect(first.sent).toEqual([SEND]);
    first.events.closed(1006);
    await world.passTime();
    world.socket.ready();
    expect(world.socket.sent).toEqual([SEND]);
    world.connection.settle("m1");
    world.socket.events.closed(1006);
    await world.passTime();
    world.socket.ready();
    expect(world.socket.sent).toEqual([]);
  });

  it("keeps a message that was written without a connection", async () => {
    const world = new FakeWorld();
    world.connection.sendUntilSettled("m1", SEND);
    expect((await world.opened()).sent).toEqual([SEND]);
    expect(world.connection.send({ type: "turn.stop", turn_id: "t" })).toBe(true);
  });

  it("fetches a new token after 4401", async () => {
    const world = new FakeWorld();
    (await world.opened()).events.closed(4401);
    expect(world.tokensDropped).toBe(1);
    await world.passTime();
    expect(world.sockets).toHaveLength(2);
  });

  it("waits as long as a refusing gateway asks for", async () => {
    const world = new FakeWorld();
    world.refusal = new Refused(503, "unavailable", "Starting.", 3000);
    await world.connection.connect();
    expect(world.links.at(-1)).toMatchObject({ state: "waiting", retryInMs: 3000, why: "Starting." });
    world.refusal = new TypeError("no network");
    expect(await world.passTime()).toBe(3000);
    expect(world.links.at(-1)).toMatchObject({ state: "waiting", retryInMs: 500, failures: 2 });
  });

  it("stops at the sign-in until told to connect", async () => {
    const world = new FakeWorld();
    world.refusal = new SignInNeeded("This gateway needs a token.");
    await world.connection.connect();
    expect(world.links.at(-1)).toEqual({ state: "signed_out", why: "This gateway needs a token." });
    expect(world.timers).toEqual([]);
    world.refusal = null;
    await world.opened();
    expect(world.links.at(-1)).toEqual({ state: "open" });
  });

  it("ignores frames it does not know, and an old socket's last words", async () => {
    const world = new FakeWorld();
    const old = await world.opened();
    old.says({ type: "novelty" });
    old.events.received("{");
    expect(world.frames).toHaveLength(1);
    old.events.closed(1006);
    await world.passTime();
    old.says({ type: "cancelled", turn_id: "t", attempt: 1 });
    old.events.closed(1006);
    expect(world.frames).toHaveLength(1);
    expect(world.timers).toHaveLength(0);
  });
});
