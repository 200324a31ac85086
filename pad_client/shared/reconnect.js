// How long a silence is a lost line, and how long to wait before trying again.

export const SILENCE_MS = 12_000; // pad_wire.LINE_DOWN_AFTER_S
const FIRST_DELAY_MS = 500;
const LONGEST_DELAY_MS = 10_000;

export function reconnectDelay(failures, random) {
  const ceiling = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** failures);
  return ceiling * (0.5 + random / 2);
}
