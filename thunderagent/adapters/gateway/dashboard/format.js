// Numbers in words that fit into little room.

const WHOLE = new Intl.NumberFormat("en-US");

export const whole = (number) => WHOLE.format(Math.round(number));

export function short(number) {
  if (number == null) return "–";
  const size = Math.abs(number);
  if (size >= 1e9) return `${digits(number / 1e9)}B`;
  if (size >= 1e6) return `${digits(number / 1e6)}M`;
  if (size >= 1e4) return `${digits(number / 1e3)}k`;
  return size >= 100 || Number.isInteger(number) ? whole(number) : digits(number);
}

const digits = (number) => number.toFixed(Math.abs(number) >= 100 ? 0 : 1);

export function duration(seconds) {
  if (seconds == null) return "–";
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 60) return `${Math.floor(seconds)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} m ${two(Math.floor(seconds % 60))}`;
  return `${Math.floor(seconds / 3600)} h ${two(Math.floor((seconds % 3600) / 60))} m`;
}

export const percent = (share) => (share == null ? "–" : `${(100 * share).toFixed(share > 0 && share < 0.1 ? 1 : 0)}%`);

export function clock(unix_s) {
  const at = new Date(1000 * unix_s);
  return `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
}

const two = (number) => String(number).padStart(2, "0");

// An engine's address without what all have in common.
export const engineName = (id) => (id ?? "").replace(/^https?:\/\//, "");
