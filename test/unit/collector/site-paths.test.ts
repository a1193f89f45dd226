// Owns which documents a site's path means.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  candidatePaths,
  normalizePath,
  type SiteRoots,
  siteMatchesDocument,
} from '../../../extension/messages/site-paths.ts';

const roots: SiteRoots = { sourceRoot: '/ws/crates/a', workingFolder: '/ws' };
const check = (document: string, site: string, expected: boolean, at: SiteRoots = roots) =>
  assert.equal(siteMatchesDocument(document, site, at), expected, `${site} for ${document}`);

test('one way to write a path', () => {
  for (const [raw, normal] of [
    ['/a/./b//c/../d', '/a/b/d'],
    ['/../a', '/a'],
    ['../a/../b', '../b'],
    ['C:\\x\\y.rs', 'c:/x/y.rs'],
    ['file:///a%20b/c.ts', '/a b/c.ts'],
    ['file:///C:/x.ts', 'c:/x.ts'],
    ['file:///%zz', '/%zz'],
    ['', ''],
    ['/', '/'],
  ] as const)
    assert.equal(normalizePath(raw), normal, raw);
});

test('an absolute site is that document', () => {
  check('/ws/src/main.rs', '/ws/src/main.rs', true);
  check('/ws/src/main.ts', 'file:///ws/src/main.ts', true);
  check('/ws/src/lib.rs', '/ws/src/main.rs', false);
});

test('a relative site starts at the source root, the working folder or a parent of these', () => {
  check('/ws/crates/a/src/main.rs', 'src/main.rs', true);
  check('/ws/src/main.rs', 'src/main.rs', true);
  // Cargo prints paths of workspace members from the workspace's root.
  check('/ws/crates/a/src/main.rs', 'crates/a/src/main.rs', true, { ...roots, workingFolder: '/tmp' });
  check('/ws/crates/b/src/main.rs', 'src/main.rs', false);
  assert.deepEqual(candidatePaths('m.rs', { sourceRoot: '/a/b', workingFolder: '/c' }), [
    '/a/b/m.rs',
    '/c/m.rs',
    '/a/m.rs',
    '/m.rs',
  ]);
});

test('a document elsewhere matches by its end, and only by enough of it', () => {
  check('/home/me/a/src/main.rs', 'src/main.rs', true);
  check('/home/me/a/main.rs', 'main.rs', false);
  check('/home/me/a/xsrc/main.rs', 'src/main.rs', false);
  check('/home/me/app/src/main.rs', '/build/app/src/main.rs', true);
  check('/home/me/other/src/main.rs', '/build/app/src/main.rs', false);
});

test('nothing matches nothing', () => {
  check('/a', '', false);
  check('', 'a/b', false);
  check('/x/y/z.rs', 'y/z.rs', true, { sourceRoot: '', workingFolder: '' });
});
