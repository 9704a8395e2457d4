/** The bearer token: pasted by the reader, or given by a development gateway. */

import { SignInNeeded, refusalOf } from "./refusals";

const KEY = "sluice.token";

export class Access {
  readonly #fetch: typeof fetch;
  readonly #storage: Storage;
  #token: string | null;
  #pending: Promise<string> | null = null;

  constructor(fetcher: typeof fetch, storage: Storage) {
    this.#fetch = fetcher;
    this.#storage = storage;
    this.#token = storage.getItem(KEY);
  }

  /** Raises SignInNeeded when this gateway gives no tokens away. */
  async token(): Promise<string> {
    if (this.#token !== null) return this.#token;
    this.#pending ??= this.#developmentToken().finally(() => {
      this.#pending = null;
    });
    return this.#pending;
  }

  /** Forgets a token that was refused or has expired. */
  drop(refused?: string): void {
    if (refused !== undefined && refused !== this.#token) return;
    this.#token = null;
    this.#storage.removeItem(KEY);
  }

  /** Kept for this tab only. */
  signIn(token: string): void {
    this.#token = token;
    this.#storage.setItem(KEY, token);
  }

  async #developmentToken(): Promise<string> {
    const response = await this.#fetch("/v1/dev/token", { method: "POST" });
    if (response.status >= 500 || response.status === 429) throw await refusalOf(response);
    if (!response.ok) throw new SignInNeeded("This gateway needs a token.");
    const body = (await response.json()) as { token: string };
    this.#token = body.token;
    return body.token;
  }
}
