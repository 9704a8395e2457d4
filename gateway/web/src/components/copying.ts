const SHOWN_MS = 1_600;

/** Copies the code that the button belongs to, and says so on the button. */
export async function copyCodeOf(button: HTMLButtonElement): Promise<void> {
  const code = button.closest(".code")?.querySelector("code");
  if (!code) return;
  const isCopied = await copyText(code.textContent ?? "");
  if (!isCopied) getSelection()?.selectAllChildren(code);
  button.textContent = isCopied ? "Copied" : "Selected: press Ctrl+C";
  setTimeout(() => {
    button.textContent = "Copy";
  }, SHOWN_MS);
}

/** False where the browser does not let the page write to the clipboard. */
export async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}
