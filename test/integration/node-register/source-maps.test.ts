// TypeScript is told as it was written, line and column, whichever way it came to run: by tsx, which compiles as it
// loads, and from the output of tsc with a map beside the file or in it, with and without --enable-source-maps.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { after, describe, test } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { nodes, nodeTitle } from '../../support/registered-program.ts';
import { TracedPrograms, waitPlaces } from '../../support/traced-program.ts';

const programs = new TracedPrograms();
after(() => programs.remove());

const require = createRequire(import.meta.url);
const tsx = dirname(require.resolve('tsx/package.json'));
const loader = ['--import', pathToFileURL(join(tsx, 'dist/loader.mjs')).href];
const asCli = ['--require', join(tsx, 'dist/preflight.cjs'), ...loader];
const tsc = join(dirname(require.resolve('typescript/package.json')), 'bin/tsc');

// What is left out, set anew and made longer by a compiler moves lines and columns both.
const source = `interface Answer { readonly value: number }
enum Kind { first, second }

// A comment that no output keeps.
class Store {
  constructor(private readonly kind: Kind) {}
  async find(id: number): Promise<Answer> {
    await new Promise<void>((resolve) => setTimeout(resolve, 1));
    return { value: id + this.kind };
  }
}

async function main(): Promise<void> {
  const answer = await new Store(Kind.second as Kind).find(4 as number); console.log(answer.value);
}
void main();
export {};
`;

/** V8 names an await by its own position, or by that of the call that is awaited. */
const awaitColumns: Readonly<Record<string, readonly number[]>> = { find: [5, 11], main: [18, 55] };
const awaitLines: Readonly<Record<string, number>> = { find: 8, main: 14 };

async function check(executable: string, path: string, file: string, nodeArguments: readonly string[]) {
  // What tsx keeps of earlier programs is the machine's, and it may walk through thousands of files of it.
  const environment = { TSX_DISABLE_CACHE: '1' };
  const traced = await programs.traceFile(executable, path, { nodeArguments, environment });
  assert.equal(traced.stdout, '5\n');
  const places = waitPlaces(traced).filter((place) => place.functionName in awaitLines);
  assert.deepEqual(places.map(({ functionName }) => functionName).sort(), ['find', 'main']);
  for (const place of places) {
    assert.equal(place.file, file);
    assert.equal(place.line, awaitLines[place.functionName]);
    assert.ok(awaitColumns[place.functionName]?.includes(place.column), JSON.stringify(place));
  }
}

/** Compiles the source into a folder of that name; gives the output's path. */
function compiled(name: string, options: readonly string[]): string {
  const isModule = options.includes('esnext');
  programs.write(`${name}/package.json`, JSON.stringify({ type: isModule ? 'module' : 'commonjs' }));
  const path = programs.write(`${name}/src/app.ts`, source);
  const folder = fileURLToPath(new URL('../../../', import.meta.url));
  const fixed = ['--ignoreConfig', '--target', 'es2022', '--types', 'node', '--typeRoots'];
  const types = join(folder, 'node_modules/@types');
  const to = join(dirname(dirname(path)), 'out');
  execFileSync(process.execPath, [tsc, path, '--outDir', to, ...fixed, types, ...options]);
  return join(to, 'app.js');
}

const outputs: Readonly<Record<string, readonly string[]>> = {
  'CommonJS, a map beside it': ['--sourceMap', '--module', 'commonjs'],
  'an ES module, a map beside it': ['--sourceMap', '--module', 'esnext'],
  'CommonJS, the map in it': ['--inlineSourceMap', '--module', 'commonjs'],
  'an ES module, the map in it': ['--inlineSourceMap', '--module', 'esnext'],
};
const built = new Map<string, string>();
/** Once for all Nodes. */
function builtAs(title: string): string {
  const known = built.get(title);
  if (known !== undefined) return known;
  const path = compiled(`built-${built.size}`, outputs[title] ?? []);
  built.set(title, path);
  return path;
}

for (const executable of nodes)
  describe(`TypeScript on ${nodeTitle(executable)}`, () => {
    for (const [name, how, nodeArguments] of [
      ['app.cts', '--import tsx', loader],
      ['app.mts', '--import tsx', loader],
      ['app.ts', "tsx's own command line", asCli],
    ] as const)
      test(`${name} by ${how}`, async () => {
        const path = programs.write(`by-tsx/${name}`, source);
        await check(executable, path, path, nodeArguments);
      });

    for (const title of Object.keys(outputs)) {
      test(`the output of tsc: ${title}`, async () => {
        const path = builtAs(title);
        const file = join(dirname(dirname(path)), 'src/app.ts');
        await check(executable, path, file, []);
        await check(executable, path, file, ['--enable-source-maps']);
      });
    }
  });
