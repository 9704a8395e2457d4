import { useState } from "preact/hooks";
import { Gate } from "./Gate";

interface SignInProps {
  why: string;
  onToken(token: string): void;
}

export function SignIn({ why, onToken }: SignInProps) {
  const [token, setToken] = useState("");
  const trimmed = token.trim().replace(/^Bearer\s+/i, "");
  return (
    <main class="sign-in">
      <form
        class="sign-in-card"
        data-testid="sign-in"
        onSubmit={(event) => {
          event.preventDefault();
          if (trimmed !== "") onToken(trimmed);
        }}
      >
        <Gate size={44} />
        <h1>Sign in</h1>
        <p role="alert">{why}</p>
        <p class="muted" id="token-note">
          Paste a bearer token for this gateway. It is kept in this tab only and forgotten when you close it.
        </p>
        <label for="token">Token</label>
        <input
          id="token"
          type="password"
          autocomplete="off"
          spellcheck={false}
          aria-describedby="token-note"
          value={token}
          onInput={(event) => setToken(event.currentTarget.value)}
        />
        <button type="submit" class="button primary" disabled={trimmed === ""}>
          Open the gate
        </button>
      </form>
    </main>
  );
}
