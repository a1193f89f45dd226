// Owns the one-way rule: which folder may import which, and which outside modules each may use.
// `npm run check` runs it; `--graph` prints what imports what, `--root <folder>` looks at another tree.
// Rejects cycles of files too.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, posix, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = argumentOf('--root') ?? join(dirname(fileURLToPath(import.meta.url)), '..');

/**
 * A zone is the longest folder (or file) that a path begins with. `may`: zones it may import besides itself.
 * `outside`: modules that are not files; a name ending in `:` or `/` stands for all that begin so.
 */
const zones = {
  'runtime-probe/protocol/typescript': { may: [], outside: [] },
  'runtime-probe/node/src/wire': { may: ['runtime-probe/protocol/typescript'], outside: [] },
  'runtime-probe/node/src/executor': { may: [], outside: ['node:'] },
  'runtime-probe/node/src/probe': {
    may: [
      'runtime-probe/node/src/executor',
      'runtime-probe/node/src/wire',
      'runtime-probe/protocol/typescript',
    ],
    outside: ['node:'],
  },
  'runtime-probe/node/src/register': {
    may: ['runtime-probe/node/src/executor', 'runtime-probe/node/src/probe', 'runtime-probe/node/src/wire'],
    outside: ['node:'],
  },
  'runtime-probe/node/src': {
    may: ['runtime-probe/node/src/executor', 'runtime-probe/node/src/probe'],
    outside: [],
  },
  'extension/messages': { may: [], outside: [] },
  'extension/trace/format.ts': { may: [], outside: [] },
  'extension/trace': {
    may: ['runtime-probe/protocol/typescript', 'extension/messages', 'extension/trace/format.ts'],
    outside: [],
  },
  // The viewer's side of the connection, which the host uses, with what both sides say of endpoints.
  'extension/collector/client.ts': {
    may: ['extension/messages', 'runtime-probe/protocol/typescript', 'extension/collector/endpoint.ts'],
    outside: ['node:'],
  },
  'extension/collector/endpoint.ts': { may: ['extension/collector/processes.ts'], outside: ['node:'] },
  'extension/collector/processes.ts': { may: [], outside: ['node:'] },
  'extension/collector': {
    may: [
      'extension/trace',
      'extension/messages',
      'extension/trace/format.ts',
      'extension/collector/endpoint.ts',
      'extension/collector/processes.ts',
      'runtime-probe/protocol/typescript',
    ],
    outside: ['node:'],
  },
  'extension/server': {
    may: ['extension/messages', 'extension/trace/format.ts'],
    outside: ['vscode-languageserver/', 'vscode-languageserver-textdocument'],
  },
  'extension/client': { may: ['extension/messages'], outside: ['vscode', 'vscode-languageclient/'] },
  'extension/debug': { may: ['extension/messages'], outside: ['vscode', 'node:crypto'] },
  'extension/host': {
    may: ['extension/client', 'extension/debug', 'extension/messages', 'extension/collector/client.ts'],
    outside: ['vscode', 'node:'],
  },
  'extension/main.ts': {
    may: ['extension/client', 'extension/debug', 'extension/host', 'extension/messages'],
    outside: ['vscode', 'node:path'],
  },
  'webview/transport': { may: ['extension/messages'], outside: [] },
  'webview/state': { may: ['extension/messages'], outside: [] },
  'webview/layout': {
    may: ['webview/state', 'extension/messages', 'extension/trace/format.ts'],
    outside: [],
  },
  'webview/render': {
    may: ['webview/layout', 'webview/state', 'extension/messages', 'extension/trace/format.ts'],
    outside: ['d3-'],
  },
  'webview/input': { may: ['webview/layout', 'webview/state', 'extension/messages'], outside: ['d3-'] },
  'webview/ui': {
    may: ['webview/layout', 'webview/state', 'extension/messages', 'extension/trace/format.ts'],
    outside: [],
  },
  webview: {
    may: [
      'webview/transport',
      'webview/state',
      'webview/layout',
      'webview/render',
      'webview/input',
      'webview/ui',
      'extension/messages',
      'extension/trace/format.ts',
    ],
    outside: [],
  },
};

function argumentOf(option) {
  const at = process.argv.indexOf(option);
  return at < 0 ? undefined : process.argv[at + 1];
}

const zoneNames = Object.keys(zones).sort((a, b) => b.length - a.length);
const zoneOf = (path) => zoneNames.find((zone) => path === zone || path.startsWith(`${zone}/`));

function sourceFiles(folder) {
  if (!existsSync(join(root, folder))) return [];
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = posix.join(folder, entry.name);
    if (entry.isDirectory()) return ['node_modules', 'dist'].includes(entry.name) ? [] : sourceFiles(path);
    return entry.name.endsWith('.ts') && !entry.name.endsWith('.d.ts') ? [path] : [];
  });
}

function importsOf(path) {
  const text = readFileSync(join(root, path), 'utf8').replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '');
  const specifiers = [...text.matchAll(/\b(?:from|import)\s*\(?\s*['"]([^'"\n]+)['"]/g)].map((m) => m[1]);
  return specifiers.map((specifier) =>
    specifier.startsWith('.')
      ? { file: posix.normalize(posix.join(posix.dirname(path), specifier)) }
      : { outside: specifier },
  );
}

const problems = [];
const graph = new Map();
const edges = new Set();
for (const path of [
  ...sourceFiles('runtime-probe/protocol/typescript'),
  ...sourceFiles('runtime-probe/node/src'),
  ...sourceFiles('extension'),
  ...sourceFiles('webview'),
]) {
  const zone = zoneOf(path);
  if (zone === undefined) {
    problems.push(`${path} is in no zone; name its folder in tools/layers.mjs`);
    continue;
  }
  const imports = importsOf(path);
  graph.set(
    path,
    imports.flatMap((each) => each.file ?? []),
  );
  for (const { file, outside } of imports) {
    if (outside !== undefined) {
      const allowed = zones[zone].outside.some((name) =>
        /[:/-]$/.test(name) ? outside.startsWith(name) : outside === name,
      );
      if (!allowed)
        problems.push(
          `${path} imports ${outside}; ${zone} may use ${zones[zone].outside.join(', ') || 'no module from outside'}`,
        );
      continue;
    }
    const target = zoneOf(file);
    if (target === zone) continue;
    edges.add(`${zone} → ${target}`);
    if (target === undefined || !zones[zone].may.includes(target))
      problems.push(
        `${path} imports ${relative('.', file)}; ${zone} may import ${zones[zone].may.join(', ') || 'nothing'}`,
      );
  }
}

/** Depth-first walk; a file met again while it is being walked closes a cycle. */
const walked = new Set();
function walk(path, trail) {
  if (trail.includes(path)) {
    problems.push(`cycle: ${[...trail.slice(trail.indexOf(path)), path].join(' → ')}`);
    return;
  }
  if (walked.has(path)) return;
  for (const next of graph.get(path) ?? []) walk(next, [...trail, path]);
  walked.add(path);
}
for (const path of graph.keys()) walk(path, []);

if (process.argv.includes('--graph')) console.log([...edges].sort().join('\n'));
for (const problem of problems) console.error(problem);
if (problems.length === 0) console.log(`layers: ${graph.size} files keep the one-way rule`);
process.exitCode = problems.length === 0 ? 0 : 1;
