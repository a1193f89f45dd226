// Owns a queue whose both ends are cheap: Array.shift moves what is left, which is slow for long queues.
// Must not know what stands in it.

// Taken places at the front are given back once there are this many and they are half of the array, so that giving
// back costs at most one move for each value.
const SHORTEST_GAP = 64;

export class Fifo<T> {
  #values: Array<T | undefined> = [];
  #taken = 0;

  get size(): number {
    return this.#values.length - this.#taken;
  }

  push(value: T): void {
    this.#values.push(value);
  }

  /** The oldest value, which leaves the queue. To be called only while `size` is above 0. */
  shift(): T {
    const value = this.#values[this.#taken] as T;
    this.#values[this.#taken] = undefined;
    this.#taken += 1;
    if (this.#taken === this.#values.length) {
      this.#values = [];
      this.#taken = 0;
    } else if (this.#taken >= SHORTEST_GAP && this.#taken * 2 >= this.#values.length) {
      this.#values = this.#values.slice(this.#taken);
      this.#taken = 0;
    }
    return value;
  }

  clear(): void {
    this.#values = [];
    this.#taken = 0;
  }
}
