// Owns golden files: compares with what is committed, writes `.actual` beside it on a mismatch,
// and rewrites the golden file itself when UPDATE_GOLDEN=1.
import assert from 'node:assert/strict';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';

/** Fails unless the file at `path` holds exactly `actual`. */
export function checkGolden(path: string, actual: string | Uint8Array): void {
  const bytes = typeof actual === 'string' ? Buffer.from(actual) : Buffer.from(actual);
  const actualPath = `${path}.actual`;
  rmSync(actualPath, { force: true });
  if (process.env['UPDATE_GOLDEN'] === '1') {
    writeFileSync(path, bytes);
    return;
  }
  const how = 'Run with UPDATE_GOLDEN=1 to accept what is new, after reading the difference.';
  if (!existsSync(path)) {
    writeFileSync(actualPath, bytes);
    assert.fail(`${path} does not exist; what was made is in ${actualPath}. ${how}`);
  }
  const expected = readFileSync(path);
  if (expected.equals(bytes)) return;
  writeFileSync(actualPath, bytes);
  if (typeof actual === 'string') assert.equal(actual, expected.toString('utf8'), `${path} differs. ${how}`);
  assert.fail(`${path} differs from ${actualPath}. ${how}`);
}
