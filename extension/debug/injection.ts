// Owns how a launch configuration gets the environment that connects its program to the collector:
// pure, one rule per debug type, and what the user had there is kept. Knows no vscode.

/** What a program needs to find and convince the collector. */
export interface ConnectionEnvironment {
  readonly WAKELINE: string;
  readonly WAKELINE_TOKEN: string;
  readonly WAKELINE_LAUNCH: string;
}

/** A launch configuration as JSON: whatever the user and other extensions wrote. */
export type LaunchConfiguration = Readonly<Record<string, unknown>>;

/** Where the launch id stands in a configuration that was given the environment. */
export const launchKey = '__wakelineLaunch';

/**
 * NODE_OPTIONS with the script that records unchanged programs, behind what the user has there. As it was when the
 * script is there already.
 */
export function withPreload(present: string, script: string): string {
  // Node splits at spaces, and takes a backslash inside quotes for an escape.
  const option = `--require "${script.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
  if (present.includes(option)) return present;
  return present.trim() === '' ? option : `${present.trimEnd()} ${option}`;
}

/** The package, where a program imports it. */
const packageFiles = '**/node_modules/wakeline/**';

/** What js-debug skips where the configuration says nothing. */
const nodeInternals = ['<node_internals>/**'];

type Writer = (present: unknown, added: Readonly<Record<string, string>>) => unknown;

interface Rule {
  readonly key: 'env' | 'environment';
  readonly write: Writer;
  /** Whether its programs are run by Node. */
  readonly node?: true;
}

/** `env` as an object: js-debug, CodeLLDB. */
const asObject: Writer = (present, added) => ({ ...objectOf(present), ...added });

/**
 * `env` as a list of `NAME=value`, which every lldb-dap takes (version 19 ignores an object without a word);
 * newer ones take an object too, so that form is kept where the user has it.
 */
const asListOrObject: Writer = (present, added) =>
  present === undefined || Array.isArray(present)
    ? [...(present ?? []), ...Object.entries(added).map(([name, value]) => `${name}=${value}`)]
    : asObject(present, added);

/** `environment` as a list of { name, value }: cppdbg, cppvsdbg. */
const asPairs: Writer = (present, added) => [
  ...(Array.isArray(present) ? present : []),
  ...Object.entries(added).map(([name, value]) => ({ name, value })),
];

const rules: Readonly<Record<string, Rule>> = {
  node: { key: 'env', write: asObject, node: true },
  'pwa-node': { key: 'env', write: asObject, node: true },
  lldb: { key: 'env', write: asObject },
  'lldb-dap': { key: 'env', write: asListOrObject },
  cppdbg: { key: 'environment', write: asPairs },
  cppvsdbg: { key: 'environment', write: asPairs },
};

/** Whether a program of this configuration would get the environment: a launch of a known type, not a child, not done before. */
export function wantsEnvironment(configuration: LaunchConfiguration): boolean {
  const rule = rules[String(configuration['type'])];
  if (rule === undefined || configuration['request'] !== 'launch') return false;
  if (configuration['wakeline'] === false || configuration[launchKey] !== undefined) return false;
  // js-debug resolves each child session as a configuration of its own; its program has the environment already.
  if (configuration['__pendingTargetId'] !== undefined || configuration['__parentId'] !== undefined)
    return false;
  return !namesPresent(configuration[rule.key]).has('WAKELINE');
}

/**
 * The configuration with the environment added, once; as it was when it does not want it. `preload` is the script
 * that records Node programs which have no probe of their own; undefined when that is not wanted.
 */
export function withEnvironment(
  configuration: LaunchConfiguration,
  environment: ConnectionEnvironment,
  preload?: string,
): LaunchConfiguration {
  const rule = rules[String(configuration['type'])];
  if (rule === undefined || !wantsEnvironment(configuration)) return configuration;
  const present = configuration[rule.key];
  // js-debug puts its own script in front of what stands in NODE_OPTIONS of the configuration.
  const options =
    rule.node === undefined || preload === undefined
      ? {}
      : { NODE_OPTIONS: withPreload(String(objectOf(present)['NODE_OPTIONS'] ?? ''), preload) };
  // Nobody wants to step into the script, nor into the probe that it loads from beside it, nor in the line in which
  // the program waits to be stopped.
  const { skipFiles } = configuration;
  const skipped =
    rule.node === undefined || preload === undefined
      ? {}
      : { skipFiles: [...(Array.isArray(skipFiles) ? skipFiles : nodeInternals), ...ownFiles(preload)] };
  return {
    ...configuration,
    ...skipped,
    [rule.key]: rule.write(present, { ...environment, ...options }),
    [launchKey]: environment.WAKELINE_LAUNCH,
  };
}

/** The script, the probe, and the script of one line in which the probe waits to be stopped; its name ends its own. */
function ownFiles(preload: string): readonly string[] {
  return [
    preload,
    preload.replace(/\.cjs$/, '-probe.cjs'),
    preload.replace(/[^/\\]*$/, 'wakeline-stop.cdp'),
    packageFiles,
  ];
}

function objectOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {};
}

/** Names of variables that the user set, in whichever form. */
function namesPresent(environment: unknown): Set<string> {
  if (!Array.isArray(environment)) return new Set(Object.keys(objectOf(environment)));
  return new Set(
    environment.map((each: unknown) =>
      typeof each === 'string' ? (each.split('=')[0] ?? '') : String(objectOf(each)['name'] ?? ''),
    ),
  );
}
