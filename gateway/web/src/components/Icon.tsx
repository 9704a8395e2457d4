/** Line icons on a 20-unit grid; decoration only, the name is on the control. */

const PATHS = {
  plus: "M10 4v12M4 10h12",
  menu: "M3.5 6h13M3.5 10h13M3.5 14h8",
  close: "M5 5l10 10M15 5L5 15",
  send: "M10 16V4.5M5 9l5-5 5 5",
  down: "M10 4v11.5M5 11l5 5 5-5",
  up: "M7 9.5l3-6.2c1.3 0 2 .9 1.8 2.2L11.4 8h3.7c1 0 1.7.9 1.5 1.9l-1 5.2c-.2.8-.8 1.4-1.6 1.4H7zM7 9.5H4v7h3",
  copy: "M7.5 7.5h8v8h-8zM12.5 7.5v-3h-8v8h3",
  check: "M4.5 10.5l3.5 3.5 7.5-8",
  sun: "M10 6.8a3.2 3.2 0 100 6.4 3.2 3.2 0 000-6.4zM10 2v1.8M10 16.2V18M2 10h1.8M16.2 10H18M4.3 4.3l1.3 1.3M14.4 14.4l1.3 1.3M4.3 15.7l1.3-1.3M14.4 5.6l1.3-1.3",
  moon: "M16 12.2A6.6 6.6 0 017.8 4 6.6 6.6 0 1016 12.2z",
  system: "M3.5 4.5h13v8.5h-13zM7.5 16h5M10 13v3",
} as const;

export type IconName = keyof typeof PATHS | "stop" | "thumbDown";

export function Icon({ name }: { name: IconName }) {
  return (
    <svg class={`icon icon-${name}`} viewBox="0 0 20 20" width="20" height="20" aria-hidden="true" focusable="false">
      {name === "stop" ? (
        <rect x="5.5" y="5.5" width="9" height="9" rx="1.6" fill="currentColor" />
      ) : (
        <path
          d={PATHS[name === "thumbDown" ? "up" : name]}
          fill="none"
          stroke="currentColor"
          stroke-width="1.5"
          stroke-linecap="round"
          stroke-linejoin="round"
        />
      )}
    </svg>
  );
}
