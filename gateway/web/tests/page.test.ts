import { describe, expect, it } from "vitest";
import { Access } from "../src/access";
import { hashOf, sessionInHash } from "../src/address";
import { pacedDrawing } from "../src/drawing";
import { age, cost, duration } from "../src/figures";
import { newId } from "../src/identifiers";
import { excessOf } from "../src/limit";
import { pieces } from "../src/placeholders";
import { SignInNeeded } from "../src/refusals";
import { Rest } from "../src/rest";

describe("small decisions of the page", () => {
  it("marks what was masked, and nothing that only looks like it", () => {
    expect(pieces("Write to [EMAIL_1] about [x] and [1]").filter((piece) => piece.masked)).toEqual([
      { text: "[EMAIL_1]", masked: true },
    ]);
    expect(pieces("[PHONE_NUMBER_12]")).toEqual([{ text: "[PHONE_NUMBER_12]", masked: true }]);
  });

  it("reads conversations from the address and refuses anything else", () => {
    expect(sessionInHash(hashOf("a-b_1"))).toBe("a-b_1");
    expect([sessionInHash("#/"), sessionInHash("#/c/../x"), sessionInHash(`#/c/${"a".repeat(65)}`)]).toEqual([null, null, null]);
    expect(newId()).toMatch(/^[A-Za-z0-9_-]{1,64}$/);
  });

  it("writes figures for people", () => {
    expect(["0", "0.000012", "0.0124", "1.5", "0.010000"].map(cost)).toEqual(["$0", "$0.000012", "$0.0124", "$1.50", "$0.01"]);
    expect([312, 4210, 42_000, 125_000].map(duration)).toEqual(["312 ms", "4.2 s", "42 s", "2 min 5 s"]);
    const now = new Date(2025, 5, 15, 12);
    const daysAgo = (days: number) => age(new Date(2025, 5, 15 - days, 11).toISOString(), now);
    expect([0, 1, 3, 30].map(daysAgo)).toEqual(["Today", "Yesterday", "This week", "Earlier"]);
  });

  it("counts characters as people do, and bytes as the frame does", () => {
    const limits = { text_characters: 5, frame_bytes: 10_000 };
    expect(excessOf("😀".repeat(5), limits)).toBeNull();
    expect(excessOf("abcdef", limits)).toBe("1 character too long");
    expect(excessOf("é".repeat(300), { text_characters: 1000, frame_bytes: 1024 })).toContain("shorten");
  });

  it("draws in the next frame, and rests after a slow drawing", () => {
    let now = 0;
    const waits: number[] = [];
    const plan = pacedDrawing({
      nextFrame: (call) => call(),
      after: (ms, call) => {
        waits.push(ms);
        now += ms;
        call();
      },
      nowMs: () => now,
    });
    plan(() => (now += 2));
    plan(() => (now += 20));
    plan(() => (now += 2));
    expect(waits).toEqual([60]);
  });
});

describe("tokens", () => {
  function gateway(devToken: number, accepted: string[]) {
    const asked: string[] = [];
    const fetcher = (async (path: string, init: RequestInit) => {
      asked.push(path);
      if (path === "/v1/dev/token") return Response.json({ token: `dev${asked.length}` }, { status: devToken });
      const bearer = (init.headers as Record<string, string>).Authorization?.slice(7) ?? "";
      return accepted.includes(bearer) ? Response.json({ ticket: "ok" }) : Response.json({ code: "unauthorized" }, { status: 401 });
    }) as typeof fetch;
    sessionStorage.clear();
    const access = new Access(fetcher, sessionStorage);
    return { asked, access, rest: new Rest(fetcher, access) };
  }

  it("replaces one refused token by itself", async () => {
    const { rest, asked } = gateway(200, ["dev3"]);
    expect(await rest.ticket()).toBe("ok");
    expect(asked).toEqual(["/v1/dev/token", "/v1/tickets", "/v1/dev/token", "/v1/tickets"]);
  });

  it("asks the reader where no tokens are given away, and says when theirs was refused", async () => {
    const { rest, access } = gateway(404, ["good"]);
    await expect(rest.ticket()).rejects.toThrow(new SignInNeeded("This gateway needs a token."));
    access.signIn("bad");
    await expect(rest.ticket()).rejects.toThrow("The token was refused");
    expect(sessionStorage.length).toBe(0);
    access.signIn("good");
    expect(await rest.ticket()).toBe("ok");
  });
});
