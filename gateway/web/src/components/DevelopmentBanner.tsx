import { useState } from "preact/hooks";
import { Icon } from "./Icon";

const KEY = "sluice.development-banner";

export function DevelopmentBanner() {
  const [isDismissed, setDismissed] = useState(() => sessionStorage.getItem(KEY) !== null);
  if (isDismissed) return null;
  const dismiss = () => {
    sessionStorage.setItem(KEY, "dismissed");
    setDismissed(true);
  };
  return (
    <aside class="banner" aria-label="Development model" data-testid="dev-banner">
      <p>
        <strong>Answers come from the scripted development provider.</strong> To use a real model run{" "}
        <code>make down</code>, set the provider's key in the environment, then{" "}
        <code>make up LLM=&lt;a litellm model name&gt;</code>.
      </p>
      <button type="button" class="button-icon small" aria-label="Dismiss this note" onClick={dismiss}>
        <Icon name="close" />
      </button>
    </aside>
  );
}
