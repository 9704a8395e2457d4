/** What the page does about a refused request, by kind. */

/** No token can be had without the reader: show the sign-in form. */
export class SignInNeeded extends Error {}

/** The gateway answered with a problem (RFC 9457): say it, and perhaps try later. */
export class Refused extends Error {
  readonly status: number;
  readonly code: string;
  readonly retryAfterMs: number;

  constructor(status: number, code: string, message: string, retryAfterMs: number) {
    super(message);
    this.status = status;
    this.code = code;
    this.retryAfterMs = retryAfterMs;
  }
}

export async function refusalOf(response: Response): Promise<Refused> {
  const problem = await response.json().catch(() => null);
  const field = (name: string): string | null => {
    const value: unknown = problem?.[name];
    return typeof value === "string" && value !== "" ? value : null;
  };
  const seconds = Number(response.headers.get("Retry-After") ?? "0");
  return new Refused(
    response.status,
    field("code") ?? `http_${response.status}`,
    field("detail") ?? field("title") ?? `The gateway answered with status ${response.status}.`,
    Number.isFinite(seconds) ? seconds * 1000 : 0,
  );
}
