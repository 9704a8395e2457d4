import type { Link } from "../connection";
import { Icon } from "./Icon";
import { memo } from "./memo";
import { ThemeToggle } from "./ThemeToggle";

interface HeaderProps {
  title: string;
  link: Link;
  isDrawerOpen: boolean;
  onMenu(): void;
}

const SAID: Record<Link["state"], string> = {
  connecting: "Connecting",
  open: "Connected",
  waiting: "Reconnecting",
  signed_out: "Signed out",
};

export function Header({ title, link, isDrawerOpen, onMenu }: HeaderProps) {
  return (
    <header class="header">
      <button
        type="button"
        class="button-icon only-narrow"
        aria-label="Open the list of conversations"
        aria-expanded={isDrawerOpen}
        aria-controls="conversations"
        onClick={onMenu}
      >
        <Icon name="menu" />
      </button>
      <h1 class="header-title">{title}</h1>
      <LinkState state={link.state} />
      <ThemeToggle />
    </header>
  );
}

const LinkState = memo(({ state }: { state: Link["state"] }) => (
  <p class={`link-state link-${state}`} role="status" data-testid="link-state">
    <span class="link-dot" aria-hidden="true" />
    <span class="link-word">{SAID[state]}</span>
  </p>
));
