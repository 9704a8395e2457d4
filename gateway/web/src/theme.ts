/** Light, dark, or what the system says. */

export type Theme = "system" | "light" | "dark";

const KEY = "sluice.theme";

export function storedTheme(storage: Storage): Theme {
  const stored = storage.getItem(KEY);
  return stored === "light" || stored === "dark" ? stored : "system";
}

export function applyTheme(theme: Theme, root: HTMLElement, storage: Storage): void {
  if (theme === "system") {
    delete root.dataset.theme;
    storage.removeItem(KEY);
  } else {
    root.dataset.theme = theme;
    storage.setItem(KEY, theme);
  }
}
