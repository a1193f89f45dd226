// Owns the conversion between ticks and ns since tick 0, exact to the ns at any rate that a hello may state.
// Knows nothing else.

/** 10⁹ = 31,250 × 32,000: each step of the division keeps its products below 2^53 for rates up to 10¹¹. */
const firstFactor = 31_250;
const secondFactor = 32_000;

export class TickClock {
  readonly rate: number;
  private readonly identity: boolean;

  constructor(rate: bigint) {
    this.rate = Number(rate);
    this.identity = this.rate === 1e9;
  }

  /** floor(tick × 10⁹ / rate). */
  toNs(tick: number): number {
    if (this.identity) return tick;
    const { rate } = this;
    const seconds = quotient(tick, rate);
    const high = (tick - seconds * rate) * firstFactor;
    const highNs = quotient(high, rate);
    const low = (high - highNs * rate) * secondFactor;
    return seconds * 1e9 + highNs * secondFactor + quotient(low, rate);
  }

  /** The lowest tick whose ns is at least `ns`: the inverse of `toNs` where there is one. */
  toTick(ns: number): number {
    if (this.identity) return ns;
    const tick = Number(
      (BigInt(Math.max(0, Math.floor(ns))) * BigInt(this.rate) + 999_999_999n) / 1_000_000_000n,
    );
    return tick;
  }
}

/** floor(a / b) for whole numbers below 2^53; the rounded quotient may be one too high, never more. */
function quotient(a: number, b: number): number {
  const q = Math.floor(a / b);
  return q * b > a ? q - 1 : q;
}
