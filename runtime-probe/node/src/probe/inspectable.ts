// Owns whether the main thread can be reached by a session of the inspector from the writer thread. Knows nothing of
// what is asked by it.
//
// In some processes Node makes no inspector for the main thread, and none of its functions tells: Node 20 to 26 abort
// the whole process (`parent_handle_ != nullptr`) when a thread connects to such a main thread. So what makes Node do
// without is read from the command line, and where that can't be told nobody connects.

/** What the answer needs of the process. */
export interface InspectorFacts {
  /** As process.features.inspector. */
  readonly built: boolean;
  readonly execArgv: readonly string[];
  /** NODE_OPTIONS of the environment. */
  readonly nodeOptions: string;
  /** Whether process.permission is there. */
  readonly hasPermissions: boolean;
  /** Whether Node is a part of another program. */
  readonly isEmbedded: boolean;
}

/** The process that starts test files. Each of their own has an inspector; that of --watch preloads nothing. */
const testRunner = '--test';
/** Files that may switch any of these on. */
const files = /^--experimental-(default-)?config-file(=|$)/;

/** Why the main thread has no inspector, as a part of a sentence; undefined when it has one. */
export function whyNotInspectable(facts: InspectorFacts): string | undefined {
  if (!facts.built) return 'this Node was built without its inspector';
  if (facts.isEmbedded) return 'programs that Node is a part of may have no inspector';
  if (facts.hasPermissions) return 'Node makes no inspector where it restricts permissions';
  const options = [...facts.execArgv, ...facts.nodeOptions.split(/\s+/)].map((each) =>
    each.replaceAll('_', '-'),
  );
  if (options.includes(testRunner))
    return 'Node makes no inspector in the process that starts tests (--test)';
  if (options.some((each) => files.test(each)))
    return 'a configuration file may say that Node makes no inspector';
  return undefined;
}

export function inspectorFacts(): InspectorFacts {
  return {
    built: process.features.inspector === true,
    execArgv: process.execArgv,
    nodeOptions: process.env['NODE_OPTIONS'] ?? '',
    hasPermissions: (process as { readonly permission?: unknown }).permission !== undefined,
    isEmbedded: process.versions['electron'] !== undefined,
  };
}
