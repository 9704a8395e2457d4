/** The open conversation lives in the address, so that a refresh or a shared link opens it again. */

const FORM = /^#\/c\/([A-Za-z0-9_-]{1,64})$/;

export function sessionInHash(hash: string): string | null {
  return FORM.exec(hash)?.[1] ?? null;
}

export function hashOf(sessionId: string | null): string {
  return sessionId === null ? "#/" : `#/c/${sessionId}`;
}
