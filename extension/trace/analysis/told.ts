// Owns the part of an explanation that differs from span to span.
import type { Explanation } from '../../messages/queries.ts';

/** What is told of one span; the rest of an explanation is the same for all. */
export type Told = Pick<
  Explanation,
  'state' | 'fromNs' | 'toNs' | 'open' | 'sentence' | 'certainty' | 'site' | 'steps'
> &
  Partial<Pick<Explanation, 'stacks'>>;
