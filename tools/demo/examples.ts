// Owns the list of examples that the demo runs, and how each one's counters are held against its trace.

import {
  brokenFileClaims,
  brokenRequestClaims,
  type FileCounters,
  type RequestCounters,
} from '../../test/support/example-claims.ts';
import type { ReferenceModel } from '../../test/support/reference-reader.ts';

export interface Example {
  /** Name of the launch configuration. */
  readonly name: string;
  /** Short name for pictures and options. */
  readonly key: string;
  /** The source to show, below runtime-probe/examples. */
  readonly file: string;
  /** Text of the line to show: where the tasks are spawned. */
  readonly line: string;
  /** Sentences for what the trace does not hold. */
  readonly broken: (model: ReferenceModel, counters: unknown) => string[];
}

const requests = (language: 'rust' | 'node') => (model: ReferenceModel, counters: unknown) =>
  brokenRequestClaims(model, counters as RequestCounters, language);
const files = (language: 'rust' | 'node') => (model: ReferenceModel, counters: unknown) =>
  brokenFileClaims(model, counters as FileCounters, language);

export const examples: readonly Example[] = [
  {
    name: 'requests (TypeScript)',
    key: 'requests-typescript',
    file: 'typescript/src/requests.ts',
    line: 'spawn(counted',
    broken: requests('node'),
  },
  {
    name: 'requests (Rust)',
    key: 'requests-rust',
    file: 'rust/src/bin/requests.rs',
    line: 'spawn_local_named(&',
    broken: requests('rust'),
  },
  {
    name: 'file writes (TypeScript)',
    key: 'file-writes-typescript',
    file: 'typescript/src/file-writes.ts',
    line: 'spawn(counted',
    broken: files('node'),
  },
  {
    name: 'file writes (Rust)',
    key: 'file-writes-rust',
    file: 'rust/src/bin/file-writes.rs',
    line: 'spawn_local_named(&',
    broken: files('rust'),
  },
];
