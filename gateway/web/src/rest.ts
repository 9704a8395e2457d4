/** The gateway's REST resources that the page reads. */

import type { Access } from "./access";
import type { StoredTurn } from "./history";
import { SignInNeeded, refusalOf } from "./refusals";

export interface SessionSummary {
  session_id: string;
  title: string | null;
  bot: string | null;
  updated_at: string;
  turns: number;
}

export interface SessionPage {
  sessions: SessionSummary[];
  next: string | null;
}

const TOKEN_REFUSED = "The token was refused. It may have expired: paste a new one.";

/** A conversation longer than this many pages shows its beginning only. */
const MAX_PAGES = 40;

export class Rest {
  readonly #fetch: typeof fetch;
  readonly #access: Access;

  constructor(fetcher: typeof fetch, access: Access) {
    this.#fetch = fetcher;
    this.#access = access;
  }

  async ticket(): Promise<string> {
    return (await this.#json<{ ticket: string }>("POST", "/v1/tickets")).ticket;
  }

  sessions(cursor: string | null): Promise<SessionPage> {
    return this.#json("GET", `/v1/sessions?limit=50${cursorPart(cursor)}`);
  }

  async turns(sessionId: string): Promise<StoredTurn[]> {
    const turns: StoredTurn[] = [];
    let cursor: string | null = null;
    for (let page = 0; page < MAX_PAGES; page++) {
      const path: string = `/v1/sessions/${encodeURIComponent(sessionId)}/turns?limit=50${cursorPart(cursor)}`;
      const body: { turns: StoredTurn[]; next: string | null } = await this.#json("GET", path);
      turns.push(...body.turns);
      cursor = body.next;
      if (cursor === null) break;
    }
    return turns;
  }

  /** One refused token is replaced; without a replacement, or after its refusal, the reader is needed. */
  async #json<Body>(method: string, path: string): Promise<Body> {
    const first = await this.#asked(method, path, await this.#access.token());
    if (first !== null) return (await first.json()) as Body;
    const token = await this.#access.token().catch((error: unknown) => {
      throw error instanceof SignInNeeded ? new SignInNeeded(TOKEN_REFUSED) : error;
    });
    const second = await this.#asked(method, path, token);
    if (second === null) throw new SignInNeeded(TOKEN_REFUSED);
    return (await second.json()) as Body;
  }

  /** Null when the token was refused; it is forgotten then. */
  async #asked(method: string, path: string, token: string): Promise<Response | null> {
    const response = await this.#fetch(path, { method, headers: { Authorization: `Bearer ${token}` } });
    if (response.ok) return response;
    if (response.status !== 401) throw await refusalOf(response);
    this.#access.drop(token);
    return null;
  }
}

function cursorPart(cursor: string | null): string {
  return cursor === null ? "" : `&cursor=${encodeURIComponent(cursor)}`;
}
