// Owns putting a look of ours behind methods of Node's native objects, and taking it away again.
// Knows nothing of what is looked at. Such a method stands on a prototype that all objects of its kind share.

interface Watched {
  readonly owner: object;
  readonly name: string;
  readonly original: unknown;
  readonly ours: unknown;
}

/** What to do after a call, with what it returned and was given. Must not throw. */
export type Look = (self: object, result: unknown, given: readonly unknown[]) => void;

export class NativeMethods {
  private readonly watched: Watched[] = [];

  /** Looks at each call of the method, on whichever object of the kind, until `restore`. */
  watch(target: object, name: string, look: Look): void {
    let owner: object | null = Object.getPrototypeOf(target);
    while (owner !== null && !Object.hasOwn(owner, name)) owner = Object.getPrototypeOf(owner);
    const original: unknown = owner === null ? undefined : Reflect.get(owner, name);
    if (owner === null || typeof original !== 'function') return;
    if (this.watched.some((each) => each.owner === owner && each.name === name)) return;
    const ours = function (this: object, ...args: unknown[]): unknown {
      const result: unknown = Reflect.apply(original, this, args);
      look(this, result, args);
      return result;
    };
    if (Reflect.set(owner, name, ours)) this.watched.push({ owner, name, original, ours });
  }

  /** The methods are Node's own again, but for one that somebody else has put his own in front of. */
  restore(): void {
    for (const { owner, name, original, ours } of this.watched.splice(0))
      if (Reflect.get(owner, name) === ours) Reflect.set(owner, name, original);
  }
}
