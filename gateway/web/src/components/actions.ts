/** What the reader can set off besides the methods of the application. */
export interface Actions {
  send(text: string): void;
  begin(): void;
  reconnect(): void;
  reopen(): void;
  signIn(token: string): void;
}
