// Owns the wording of the time axis: unit, digits, and a base instant that is written once when ticks would be long.
// Pure; which instants get a tick is the axis's business.
import { formatDuration } from '../../extension/trace/format.ts';
import { type Interval, widthNs } from '../state/interval.ts';

const units = [
  { name: 's', ns: 1e9 },
  { name: 'ms', ns: 1e6 },
  { name: 'µs', ns: 1e3 },
  { name: 'ns', ns: 1 },
] as const;

export interface TickWording {
  /** Instant that all ticks count from; 0 unless the view is deep in the trace. */
  readonly baseNs: number;
  /** `12.345 s +`, or empty when the base is 0. */
  readonly baseText: string;
  readonly text: (atNs: number) => string;
}

/** Beyond this many widths from the trace's start, ticks would be longer than what tells them apart. */
const deepWidths = 2000;

export function tickWording(interval: Interval, stepNs: number): TickWording {
  const width = widthNs(interval);
  const deep = interval.fromNs > width * deepWidths;
  const grain = 10 ** Math.ceil(Math.log10(width));
  const baseNs = deep ? Math.floor(interval.fromNs / grain) * grain : 0;
  const unit = unitFor(Math.max(stepNs, 1e-3));
  const digits = Math.max(0, Math.min(3, Math.ceil(-Math.log10(stepNs / unit.ns) - 1e-9)));
  return {
    baseNs,
    baseText: deep ? `${exactText(baseNs)} +` : '',
    text: (atNs) => {
      const value = (atNs - baseNs) / unit.ns;
      return value === 0 && !deep ? '0' : `${deep ? '+' : ''}${value.toFixed(digits)} ${unit.name}`;
    },
  };
}

/** The unit in which a step of the ticks needs at most one leading zero: 0.5 s, but 50 ms. */
function unitFor(stepNs: number): (typeof units)[number] {
  return units.find((unit) => stepNs >= unit.ns * 0.0999) ?? units[units.length - 1] ?? units[3];
}

/** The base is written to the last digit that matters, never rounded. */
function exactText(ns: number): string {
  const seconds = ns / 1e9;
  return seconds >= 1 ? `${trimmed(seconds.toFixed(9))} s` : formatDuration(ns);
}

function trimmed(text: string): string {
  return text.replace(/\.?0+$/, '');
}
