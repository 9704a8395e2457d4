import { Gate } from "./Gate";

const PROMPTS = [
  { kind: "Code", text: "Write a Python function that merges overlapping intervals, with a short test." },
  { kind: "Compare", text: "Compare a Kafka consumer group with a classic work queue, as a table." },
  { kind: "Private", text: "Draft a kind reply to ana.lopez@example.com, who asks where her refund is." },
  { kind: "Explain", text: "Explain back-pressure to someone who has only ever seen a bathtub." },
];

export function EmptyState({ onPrompt }: { onPrompt(text: string): void }) {
  return (
    <div class="empty" data-testid="empty">
      <div class="empty-inner">
        <Gate size={56} />
        <h2 class="empty-title">What would you like to know?</h2>
        <p class="empty-lead">
          Names, addresses and numbers that are yours are masked at the gate before a model sees them.
        </p>
        <ul class="prompts" aria-label="Examples">
          {PROMPTS.map(({ kind, text }) => (
            <li key={kind}>
              <button type="button" class="prompt" onClick={() => onPrompt(text)}>
                <span class="prompt-kind">{kind}</span>
                <span>{text}</span>
              </button>
            </li>
          ))}
        </ul>
      </div>
    </div>
  );
}
