// Owns who hears of promises: our four hooks alone where nobody else wants them, else those of all who do.
// Knows nothing of what the hooks do.
//
// async_hooks of Node 20 and 22 listen to promises whether one wants it or not, at 100 to 300 ns an await, and with two
// listeners Node calls them through lists that it copies each time: 500 ns more. So there V8's hooks are set past Node's
// lists, by the same binding that Node itself uses, while nobody but us has asked for any. Whoever asks later makes Node
// set its lists again, in which ours stand too: nothing is lost, and it costs then what it costs.
import { promiseHooks } from 'node:v8';

type Hook = (promise: object, parent?: object) => void;
type HookSet = readonly [init: Hook, before: Hook, after: Hook, settled: Hook];
type Installed = readonly [Hook | undefined, Hook | undefined, Hook | undefined, Hook | undefined];

const none: Installed = [undefined, undefined, undefined, undefined];

/** What Node's binding has for it. */
interface Binding {
  getPromiseHooks(): Installed;
  setPromiseHooks(...hooks: Installed): void;
}

export class PromiseHooks {
  private readonly hooks: HookSet;
  private readonly binding: Binding | undefined;
  /** Whether the async hook hears of promises. */
  private readonly byLists: boolean;
  private stop: (() => void) | undefined;
  /** What V8 had from us when we looked last. */
  private ours: Installed = none;
  /** Nobody but us has asked so far. */
  private alone: boolean;

  /** `byBinding` on a Node whose async hooks always hear of promises. */
  constructor(hooks: HookSet, byBinding: boolean) {
    this.hooks = hooks;
    this.byLists = byBinding;
    this.binding = byBinding ? bindingOfNode() : undefined;
    this.alone = this.binding !== undefined;
  }

  /** Whether Node calls our async hook too, behind that of the promise. */
  get areFollowed(): boolean {
    return this.byLists && !this.alone;
  }

  /**
   * Sets what is heard: all or nothing. `among` enables or disables our async hook, by which Node sets its own lists
   * of promise hooks; it must not throw.
   */
  listen(toPromises: boolean, among: () => void): void {
    const { binding } = this;
    // Whoever else asked for hooks has made Node set other ones than ours.
    this.alone &&= binding !== undefined && same(binding.getPromiseHooks(), this.ours);
    if (!toPromises) {
      this.stop?.();
      this.stop = undefined;
    } else if (this.stop === undefined) {
      const [init, before, after, settled] = this.hooks;
      this.stop = promiseHooks.createHook({ init, before, after, settled }) as () => void;
    }
    among();
    if (!this.alone) return;
    this.ours = toPromises ? this.hooks : none;
    binding?.setPromiseHooks(...this.ours);
  }
}

function same(a: Installed, b: Installed): boolean {
  return a.every((hook, place) => hook === b[place]);
}

/**
 * Undefined where it cannot be had, as under Node's permission model. Node warns of whoever asks for it: the program
 * did not, so its user is not told.
 */
function bindingOfNode(): Binding | undefined {
  const told = Object.getOwnPropertyDescriptor(process, 'noDeprecation');
  try {
    Object.defineProperty(process, 'noDeprecation', { value: true, configurable: true });
    const { binding } = process as { binding?: (name: string) => Partial<Binding> };
    const found = binding?.call(process, 'async_wrap');
    const whole = typeof found?.getPromiseHooks === 'function' && typeof found.setPromiseHooks === 'function';
    return whole ? (found as Binding) : undefined;
  } catch {
    return undefined;
  } finally {
    if (told === undefined) Reflect.deleteProperty(process, 'noDeprecation');
    else Object.defineProperty(process, 'noDeprecation', told);
  }
}
