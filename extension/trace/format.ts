// Owns how durations, byte counts and counts are written for people, for the engine's sentences and the webview alike.
// Knows nothing of traces.

/** Three significant digits, without a needless ".0": 0.08 µs never appears, that is 80 ns. */
function threeDigits(value: number): string {
  if (value >= 100) return value.toFixed(0);
  const text = value >= 10 ? value.toFixed(1) : value.toFixed(2);
  return text.replace(/\.?0+$/, '');
}

/**
 * A duration in the unit in which it has one to three digits before the point: "80 ns", "1.25 µs", "112 ms", "3.4 s",
 * "2 min 5 s". A number that rounds up to the next unit is written in that unit: 999,950 ns is "1 ms".
 */
export function formatDuration(ns: number): string {
  if (!Number.isFinite(ns)) return 'unknown';
  if (ns < 0) return `-${formatDuration(-ns)}`;
  if (ns < 1000) return `${Math.round(ns)} ns`;
  // 999.5 of a unit would print as 1000.
  if (ns < 999.5e3) return `${threeDigits(ns / 1e3)} µs`;
  if (ns < 999.5e6) return `${threeDigits(ns / 1e6)} ms`;
  if (ns < 59.95e9) return `${threeDigits(ns / 1e9)} s`;
  const seconds = Math.round(ns / 1e9);
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
}

/** "1 byte", "64 bytes", "1.5 KiB", "3 MiB". */
export function formatBytes(bytes: number): string {
  if (bytes === 1) return '1 byte';
  if (bytes < 1024) return `${bytes} bytes`;
  if (bytes < 1023.5 * 1024) return `${threeDigits(bytes / 1024)} KiB`;
  if (bytes < 1023.5 * 1024 ** 2) return `${threeDigits(bytes / 1024 ** 2)} MiB`;
  return `${threeDigits(bytes / 1024 ** 3)} GiB`;
}

/** A whole number with thousands apart: "1,234,567". */
export function formatCount(count: number): string {
  return String(Math.round(count)).replace(/\B(?=(\d{3})+(?!\d))/g, ',');
}

/** "1 poll", "2 polls", "no polls". */
export function formatQuantity(count: number, singular: string, plural = `${singular}s`): string {
  if (count === 0) return `no ${plural}`;
  return count === 1 ? `1 ${singular}` : `${formatCount(count)} ${plural}`;
}
