/** The mark of the product: a sluice gate. Open, it lets the water run. */
export function Gate({ open = false, size = 28 }: { open?: boolean; size?: number }) {
  return (
    <svg class={open ? "gate gate-open" : "gate"} viewBox="0 0 32 32" width={size} height={size} aria-hidden="true">
      <path class="gate-frame" d="M6 4v24M26 4v24" />
      <g class="gate-leaf">
        <path class="gate-stem" d="M16 2v6" />
        <rect x="10" y="7" width="12" height="10" rx="1.6" />
      </g>
      <path class="gate-water" d="M7.5 23c2.8-2 5.7-2 8.5 0s5.7 2 8.5 0" />
      <path class="gate-water gate-water-low" d="M7.5 27c2.8-2 5.7-2 8.5 0s5.7 2 8.5 0" />
    </svg>
  );
}
