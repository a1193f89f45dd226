// Owns a barrier: so many tasks wait for each other, then all go on.
// Must not know the tasks. It can be used again: those who come later are the next round.

import { Awaitable } from './coroutine.ts';
import { observer } from './observe.ts';
import { checkCount } from './permits.ts';
import { type Context, PENDING, type Poll, ready } from './poll.ts';
import { Resource } from './resource.ts';
import { captureSite, type Site } from './site.ts';
import { WaitList } from './wait-list.ts';

export class Barrier {
  readonly #resource: Resource;
  readonly #parties: number;
  readonly #waiters = new WaitList<Arrival>();
  #arrived = 0;

  constructor(parties: number) {
    checkCount(parties, 'the tasks that a barrier waits for');
    this.#parties = parties;
    this.#resource = new Resource('barrier', observer && captureSite(Barrier));
  }

  /** Arrives with its first poll and is done when all have arrived. True for the one who came last. */
  wait(): Awaitable<boolean> {
    return new Arrival(this, observer && captureSite(this.wait));
  }

  /** For Arrival only. */
  pollArrival(arrival: Arrival, cx: Context, site: Site | undefined): Poll<boolean> {
    if (arrival.state === 'through') return ready(false);
    if (arrival.state === 'new') {
      arrival.state = 'here';
      this.#arrived += 1;
      this.#resource.released();
      if (this.#arrived === this.#parties) return this.#open(arrival);
    }
    this.#waiters.store(arrival, cx.waker);
    this.#resource.waited(cx, site);
    return PENDING;
  }

  /** For Arrival only: it is dropped. One who gives up while the others still wait has not arrived. */
  forget(arrival: Arrival): void {
    this.#waiters.remove(arrival);
    if (arrival.state === 'here') this.#arrived -= 1;
    arrival.state = 'through';
  }

  #open(last: Arrival): Poll<boolean> {
    this.#arrived = 0;
    last.state = 'through';
    for (let next = this.#waiters.first; next !== undefined; next = this.#waiters.first) {
      next.state = 'through';
      this.#waiters.wakeFirst();
    }
    return ready(true);
  }
}

class Arrival extends Awaitable<boolean> {
  /** new: not polled yet; here: it counts; through: all had come. */
  state: 'new' | 'here' | 'through' = 'new';
  readonly #barrier: Barrier;
  readonly #site: Site | undefined;

  constructor(barrier: Barrier, site: Site | undefined) {
    super();
    this.#barrier = barrier;
    this.#site = site;
  }

  override poll(cx: Context): Poll<boolean> {
    return this.#barrier.pollArrival(this, cx, this.#site);
  }

  drop(): void {
    this.#barrier.forget(this);
  }
}
