// Owns the ids of things inside the program that tasks wait for: mutexes and channels share one sequence.
// Must not know what they are.

import { idSequence, observer, type ResourceId, type ResourceInfo } from './observe.ts';
import type { Site } from './site.ts';

const nextResourceId = idSequence();

/** Gives a new resource its id and tells the observer. */
export function createResource(kind: ResourceInfo['kind'], site: Site | undefined): ResourceId {
  const resource = nextResourceId();
  observer?.resourceCreated({ resource, kind, site });
  return resource;
}
