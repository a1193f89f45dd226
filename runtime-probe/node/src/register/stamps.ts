// Owns what the probe remembers of a native resource, fastened to the object itself; promise-stamps.ts does promises.
// Knows nothing of hooks or events.
//
// A private field is put on an object that we did not make, by a base constructor that returns that object. So a
// stamp dies with its object, no `destroy` hook is needed (it triples the cost of an await), and no inspection,
// comparison or copy of the object shows it. 0.1 to 0.2 µs for making and reading one (Node 20 and 24), a WeakMap 0.5.
import type { Task } from './tasks.ts';

export const resourceRole = {
  handle: 0,
  request: 1,
  parser: 2,
  timer: 3,
  job: 4,
  other: 5,
  /** Cryptography, of which it shows only later whether it runs on the pool. */
  cryptoJob: 6,
  /** A compression stream. */
  packer: 7,
  tls: 8,
  /** Made while nothing was recorded, and of no class that tells what it is. */
  untold: 9,
  /** One connection of HTTP/2: it takes over the reads and the writes of the connection's handle. */
  session: 10,
  /** One request of HTTP/2. */
  stream: 11,
  /** A question to a name server. */
  query: 12,
} as const;
export type ResourceRole = (typeof resourceRole)[keyof typeof resourceRole];

/** A connection, a listener, a signal …: what the loop watches. */
export interface Source {
  readonly id: number;
  /** Node's id of its handle, or of the last use of it. */
  nodeId: number;
  /** Of its handle, as Node names it. */
  readonly type: string;
  /** Whether it still can become ready. */
  open: boolean;
  /** The turn in which it was last told to be ready. */
  readyTurn: number;
  /** Whether it was taken from a listener. */
  readonly accepted: boolean;
  /** Whether HTTP/2 has taken it over, whose requests are tasks instead. */
  consumed: boolean;
  /** Whether its descriptor and addresses are told. */
  addressTold: boolean;
  /** What was read from it and written to it by now, in bytes. */
  readBytes: number;
  writtenBytes: number;
  /** The write that is under way and was too much for one system call; undefined while there is none. */
  pendingWrite: ResourceStamp | undefined;
  /** The HTTP requests that are being served on it, the oldest first: several where the client does not wait. */
  readonly serving: Task[];
}

/** A native resource, or one that the program made as an AsyncResource. */
export interface ResourceStamp {
  readonly type: string;
  readonly role: ResourceRole;
  /** Undefined for a handle that the loop made, until it first calls back. */
  task: Task | undefined;
  source: Source | undefined;
  /** Of the timer or job; 0 once it is over. */
  id: number;
  /** Of a timer. */
  deadlineNs: number;
  /** Of a timer: when Node armed it, in ms of the loop's clock; NaN while that is not known. */
  startMs: number;
  /** Of a write that is under way. */
  bytes: number;
}

export class SameObject {
  constructor(target: object) {
    // biome-ignore lint/correctness/noConstructorReturn: the object that is returned is the one that gets the field.
    return target;
  }
}

class ResourceStamps extends SameObject {
  readonly #stamp: ResourceStamp;

  constructor(target: object, stamp: ResourceStamp) {
    super(target);
    this.#stamp = stamp;
  }

  static read(target: object): ResourceStamp | undefined {
    return #stamp in target ? (target as ResourceStamps).#stamp : undefined;
  }
}

export const readResourceStamp = ResourceStamps.read;

/** Node hands in the same object again when it uses one a second time; false then, for the first stamp stays. */
export function stampResource(resource: object, stamp: ResourceStamp): boolean {
  if (ResourceStamps.read(resource) !== undefined) return false;
  new ResourceStamps(resource, stamp);
  return true;
}
