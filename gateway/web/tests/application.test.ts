import { beforeEach, describe, expect, it } from "vitest";
import { Access } from "../src/access";
import { Application } from "../src/application";
import { Connection } from "../src/connection";
import type { ClientFrame } from "../src/protocol";
import { Rest } from "../src/rest";
import { completed, delta } from "./frames";

const READY = {
  type: "ready",
  protocol: "sluice.v1",
  user_id: "u",
  bots: [{ name: "dev", description: "", development: true }],
  limits: { text_characters: 100, frame_bytes: 10_000 },
};

/** The page without a document, over a gateway that answers REST from a table. */
class FakePage {
  readonly sent: ClientFrame[] = [];
  readonly stored: Record<string, unknown> = {};
  draws = 0;
  #receive: (text: string) => void = () => {};
  #ids = 0;
  #draws: (() => void)[] = [];
  readonly app: Application;

  constructor() {
    const answer = (body: unknown, status = 200) => new Response(JSON.stringify(body), { status });
    const fetcher = (async (path: string) => {
      if (path === "/v1/dev/token") return answer({ token: "token" });
      if (path === "/v1/tickets") return answer({ ticket: "ticket" });
      if (path.startsWith("/v1/sessions?")) return answer({ sessions: [], next: null });
      const turns = this.stored[path.split("/")[3] ?? ""];
      return turns === undefined ? answer({ code: "session_unknown", title: "No" }, 404) : answer({ turns, next: null });
    }) as typeof fetch;
    this.app = new Application({
      rest: new Rest(fetcher, new Access(fetcher, sessionStorage)),
      newId: () => `id${++this.#ids}`,
      now: () => new Date(0),
      scheduleDraw: (draw) => this.#draws.push(draw),
    });
    this.app.onChange(() => this.draws++);
    const connection = new Connection(
      {
        ticket: () => Promise.resolve("ticket"),
        dropToken: () => {},
        open: (_ticket, events) => {
          this.#receive = events.received;
          return { send: (text) => this.sent.push(JSON.parse(text) as ClientFrame), close: () => {} };
        },
        after: () => () => {},
        chance: () => 0,
      },
      {
        link: (link) => this.app.linkChanged(link),
        ready: (frame) => this.app.ready(frame),
        frame: (frame) => this.app.received(frame),
      },
    );
    this.app.attach(connection);
    void connection.connect();
  }

  says(...frames: object[]): void {
    for (const frame of frames) this.#receive(JSON.stringify(frame));
  }

  async settle(): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve));
  }

  animationFrame(): void {
    for (const draw of this.#draws.splice(0)) draw();
  }

  turns() {
    return this.app.state.conversations[this.app.state.current ?? ""]?.turns ?? [];
  }
}

describe("application", () => {
  let page: FakePage;
  beforeEach(async () => {
    sessionStorage.clear();
    page = new FakePage();
    await page.settle();
    page.says(READY);
  });

  const begin = () => {
    page.app.send("hello");
    page.says({ type: "accepted", turn_id: "t1", session_id: "id1", client_msg_id: "id2" });
  };

  it("draws once for any number of deltas in one animation frame", () => {
    begin();
    page.animationFrame();
    page.draws = 0;
    for (let seq = 0; seq < 500; seq++) page.says(delta(seq, "x"));
    page.animationFrame();
    expect(page.draws).toBe(1);
    expect(page.turns()[0]?.answer).toHaveLength(500);
  });

  it("resumes at its cursor after a gap and after a reconnect", () => {
    begin();
    page.says(delta(0, "a"), delta(2, "c"));
    expect(page.sent.at(-1)).toEqual({ type: "session.resume", session_id: "id1", cursor: "t1:1:0" });
    page.says(READY);
    expect(page.sent.filter((frame) => frame.type === "session.resume")).toHaveLength(2);
  });

  it("stops a message that was not accepted yet as soon as it is", () => {
    page.app.send("hello");
    page.app.stop();
    expect(page.sent.map((frame) => frame.type)).toEqual(["message.send"]);
    page.says({ type: "accepted", turn_id: "t1", session_id: "id1", client_msg_id: "id2" });
    expect(page.sent.at(-1)).toEqual({ type: "turn.stop", turn_id: "t1" });
  });

  it("loads the stored turns when told to resync", async () => {
    begin();
    page.stored.id1 = [{ turn_id: "t1", state: "completed", question: "hello", answer: "All of it.", error: null }];
    page.says({ type: "resync_required", session_id: "id1" });
    await page.settle();
    expect(page.turns()[0]).toMatchObject({ phase: "completed", answer: "All of it." });
  });

  it("fails the message that an error is about, and notes any other error", () => {
    page.app.send("hello");
    const error = { type: "error", code: "overloaded", message: "Later.", retryable: true };
    page.says({ ...error, ref: "id2" });
    expect(page.turns()[0]).toMatchObject({ phase: "failed", failure: { code: "overloaded" } });
    page.says({ ...error, ref: null });
    expect(page.app.state.notice).toBe("Later. (overloaded)");
  });

  it("tells an unknown conversation from one that it could not load", async () => {
    page.app.open("nobody");
    await page.settle();
    expect(page.app.state.conversations.nobody?.loading).toBe("unknown");
  });

  it("sends a rating with its comment", () => {
    begin();
    page.says(delta(0, "a"), completed());
    page.app.rate("t1", "down", "wrong");
    expect(page.sent.at(-1)).toEqual({ type: "feedback", turn_id: "t1", rating: "down", comment: "wrong" });
    expect(page.turns()[0]?.rating).toBe("down");
  });
});
