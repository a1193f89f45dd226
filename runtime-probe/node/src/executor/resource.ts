// Owns a thing inside the program that tasks wait for, as the observer sees it: its id, kind, place and events.
// Must not know what the thing is or how it wakes anyone. Mutexes, channels and all their like share one sequence.

import {
  idSequence,
  type Observer,
  observer,
  type ResourceId,
  type ResourceInfo,
  type WaitTarget,
} from './observe.ts';
import type { Context } from './poll.ts';
import type { Site } from './site.ts';
import { currentTaskId } from './task.ts';

const nextResourceId = idSequence();

/** Nothing can wait for a resource that nobody can reach any more: its record need not be kept. */
const collected = new FinalizationRegistry<ResourceId>((resource) => observer?.resourceDropped(resource));

/**
 * Held by what it stands for and by nothing else, so that both are collected together.
 * A resource that was made before the observer came is told to it at its first event.
 */
export class Resource {
  readonly id: ResourceId = nextResourceId();
  readonly #kind: ResourceInfo['kind'];
  readonly #site: Site | undefined;
  /** Made at the first wait. */
  #target: WaitTarget | undefined;
  #toldTo: Observer | undefined;
  #watched = false;

  constructor(kind: ResourceInfo['kind'], site: Site | undefined) {
    this.#kind = kind;
    this.#site = site;
    if (observer !== undefined) this.#tell(observer);
  }

  /** A leaf of the running poll stored a waker here. */
  waited(cx: Context, site: Site | undefined): void {
    if (observer === undefined) return;
    this.#tell(observer);
    this.#target ??= { kind: 'resource', id: this.id };
    observer.waitStarted(cx.frame, this.#target, site);
  }

  /** The task holds it, took permits or received values. */
  acquired(cx: Context, amount = 1): void {
    if (observer !== undefined) this.acquiredBy(cx.task, amount);
  }

  acquiredBy(task: number, amount = 1): void {
    if (observer === undefined) return;
    this.#tell(observer);
    observer.resourceAcquired(this.id, task, amount);
  }

  /**
   * What runs now gave it back or sent. To be told before the wakes that it causes; `wakes` says that the first of them
   * is the very next that happens.
   */
  released(amount = 1, wakes = false): void {
    if (observer === undefined) return;
    this.#tell(observer);
    observer.resourceReleased(this.id, currentTaskId(), amount, wakes);
  }

  #tell(listening: Observer): void {
    if (this.#toldTo === listening) return;
    this.#toldTo = listening;
    listening.resourceCreated({ resource: this.id, kind: this.#kind, site: this.#site });
    if (!this.#watched) collected.register(this, this.id);
    this.#watched = true;
  }
}
