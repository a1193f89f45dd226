// `npm run generate`: writes the types of both languages from the schema; `--check` fails when a committed file differs.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rustModule } from './rust.ts';
import { readSchema } from './schema.ts';
import { typescriptModule } from './typescript.ts';

const root = join(dirname(fileURLToPath(import.meta.url)), '../..');
const schema = readSchema(join(root, 'runtime-probe/protocol/schema.json'));

const outputs: Record<string, string> = {
  'runtime-probe/protocol/typescript/generated/records.ts': typescriptModule(schema),
  'runtime-probe/rust/wire/src/generated.rs': rustfmt(rustModule(schema)),
};

const check = process.argv.includes('--check');
let stale = 0;
for (const [path, text] of Object.entries(outputs)) {
  const absolute = join(root, path);
  if (check) {
    if (readIfThere(absolute) !== text) {
      console.error(`${path} is not what the schema says. Run \`npm run generate\` and commit the result.`);
      stale += 1;
    }
  } else {
    mkdirSync(dirname(absolute), { recursive: true });
    writeFileSync(absolute, text);
  }
}
process.exitCode = stale === 0 ? 0 : 1;

function rustfmt(text: string): string {
  return execFileSync('rustfmt', ['--edition', '2021', '--emit', 'stdout'], {
    input: text,
    encoding: 'utf8',
  });
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
