import { useState } from "preact/hooks";
import { type Theme, applyTheme, storedTheme } from "../theme";
import { Icon, type IconName } from "./Icon";

const NEXT: Record<Theme, Theme> = { system: "light", light: "dark", dark: "system" };
const ICON: Record<Theme, IconName> = { system: "system", light: "sun", dark: "moon" };
const SAID: Record<Theme, string> = { system: "as the system", light: "light", dark: "dark" };

export function ThemeToggle() {
  const [theme, setTheme] = useState(() => storedTheme(localStorage));
  const change = () => {
    applyTheme(NEXT[theme], document.documentElement, localStorage);
    setTheme(NEXT[theme]);
  };
  const label = `Colours: ${SAID[theme]}. Change to ${SAID[NEXT[theme]]}.`;
  return (
    <button type="button" class="button-icon" aria-label={label} title={label} data-testid="theme" onClick={change}>
      <Icon name={ICON[theme]} />
    </button>
  );
}
