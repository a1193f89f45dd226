// `npm run crates`: packs the crate `wakeline` and those of ours that it needs as a registry would get them, compiles what
// was packed with all features, and builds their documentation without a warning. Nothing is published: the workspace
// forbids that, and a copy of it in the target folder, which does not, is what is packed.
import { cpSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { cargoFolder, must } from './steps.mjs';

const facade = 'wakeline';

/** The workspace's packages that the facade needs, itself included, as name and folder. */
async function neededPackages() {
  const text = await must('cargo', ['metadata', '--no-deps', '--format-version=1', '--locked'], {
    cwd: cargoFolder,
    quiet: true,
  });
  const { packages } = JSON.parse(text.slice(text.indexOf('{"')));
  const needed = new Map();
  const visit = (name) => {
    const found = packages.find((each) => each.name === name);
    if (found === undefined || needed.has(name)) return;
    needed.set(name, join(found.manifest_path, '..'));
    for (const dependency of found.dependencies) if (dependency.path) visit(dependency.name);
  };
  visit(facade);
  return needed;
}

/** A workspace of these packages alone, which may be packed for each other. */
function copyWorkspace(needed) {
  const copy = join(cargoFolder, 'target/crates');
  rmSync(copy, { recursive: true, force: true });
  mkdirSync(copy, { recursive: true });
  const folders = [...needed.values()].map((folder) => relative(cargoFolder, folder));
  for (const folder of folders) {
    if (folder.startsWith('..'))
      throw new Error(`${folder} is outside of ${cargoFolder} and cannot be packed`);
    cpSync(join(cargoFolder, folder), join(copy, folder), {
      recursive: true,
      dereference: true,
      filter: (path) => !path.endsWith('/target'),
    });
  }
  const manifest = readFileSync(join(cargoFolder, 'Cargo.toml'), 'utf8')
    .replace(/^members = .*$/m, `members = ${JSON.stringify(folders)}`)
    .replace(/^publish = false$/m, 'publish = true');
  writeFileSync(join(copy, 'Cargo.toml'), manifest);
  // What was compiled once is not compiled again.
  symlinkSync(join(cargoFolder, 'target/package'), join(copy, 'target'));
  return copy;
}

const needed = await neededPackages();
const names = [...needed.keys()].flatMap((name) => ['--package', name]);
mkdirSync(join(cargoFolder, 'target/package'), { recursive: true });
const copy = copyWorkspace(needed);
await must('cargo', ['package', '--quiet', '--allow-dirty', '--all-features', ...names], { cwd: copy });
console.log(`packed and compiled: ${[...needed.keys()].sort().join(', ')}`);
await must('cargo', ['doc', '--quiet', '--no-deps', '--all-features', '--locked', ...names], {
  cwd: cargoFolder,
  env: { ...process.env, RUSTDOCFLAGS: '-D warnings' },
});
console.log('documented without a warning');
rmSync(copy, { recursive: true, force: true });
