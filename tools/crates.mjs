// `npm run crates`: packs the crate `wakeline` and those of ours that it needs as a registry would get them, unpacks them,
// compiles what was unpacked with all features, and builds the documentation without a warning. Nothing is published: the
// workspace forbids that, and a copy of it in the target folder, which does not, is what is packed.
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { cargoFolder, must } from './steps.mjs';

const facade = 'wakeline';
const workFolder = join(cargoFolder, 'target/crates');

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
    const folder = join(found.manifest_path, '..');
    for (const file of ['README.md', 'LICENSE'])
      if (!existsSync(join(folder, file))) throw new Error(`${folder} has no ${file} to be published with`);
    needed.set(name, folder);
    for (const dependency of found.dependencies) if (dependency.path) visit(dependency.name);
  };
  visit(facade);
  return needed;
}

/** A workspace of these packages alone, which may be packed for each other. */
function copyWorkspace(needed) {
  const copy = join(workFolder, 'source');
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
  cpSync(join(cargoFolder, 'Cargo.lock'), join(copy, 'Cargo.lock'));
  return copy;
}

/** A workspace of what was packed. Cargo's own check would keep its first copy of each package for ever. */
async function unpackedWorkspace(packed) {
  const folder = join(workFolder, 'unpacked');
  mkdirSync(folder);
  const files = readdirSync(packed).filter((name) => name.endsWith('.crate'));
  for (const file of files) await must('tar', ['-xzf', join(packed, file), '-C', folder], { quiet: true });
  const folders = files.map((file) => file.slice(0, -'.crate'.length));
  const lines = folders.map((each) => `${each.replace(/-[0-9.]+$/, '')} = { path = "${each}" }`);
  const manifest = `[workspace]\nresolver = "2"\nmembers = ${JSON.stringify(folders)}\n\n[patch.crates-io]\n${lines.join('\n')}\n`;
  writeFileSync(join(folder, 'Cargo.toml'), manifest);
  cpSync(join(cargoFolder, 'Cargo.lock'), join(folder, 'Cargo.lock'));
  return folder;
}

rmSync(workFolder, { recursive: true, force: true });
const needed = await neededPackages();
const names = [...needed.keys()].flatMap((name) => ['--package', name]);
const copy = copyWorkspace(needed);
const packed = join(workFolder, 'packed');
await must('cargo', ['package', '--quiet', '--allow-dirty', '--no-verify', ...names], {
  cwd: copy,
  env: { ...process.env, CARGO_TARGET_DIR: packed },
});
const unpacked = await unpackedWorkspace(join(packed, 'package'));
await must('cargo', ['check', '--quiet', '--workspace', '--all-features', '--lib'], {
  cwd: unpacked,
  // What was compiled once is not compiled again; as nobody debugs it, it takes a tenth of the disk.
  env: {
    ...process.env,
    CARGO_TARGET_DIR: join(cargoFolder, 'target/crates-check'),
    CARGO_PROFILE_DEV_DEBUG: '0',
  },
});
console.log(`packed, unpacked and compiled: ${[...needed.keys()].sort().join(', ')}`);
await must('cargo', ['doc', '--quiet', '--no-deps', '--all-features', '--locked', ...names], {
  cwd: cargoFolder,
  env: { ...process.env, RUSTDOCFLAGS: '-D warnings' },
});
console.log('documented without a warning');
rmSync(workFolder, { recursive: true, force: true });
