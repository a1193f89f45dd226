// Durations, bytes and counts as people read them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatBytes, formatCount, formatDuration, formatQuantity } from '../../../extension/trace/format.ts';

test('durations take the unit in which they have one to three digits before the point', () => {
  const cases: readonly (readonly [number, string])[] = [
    [0, '0 ns'],
    [999, '999 ns'],
    [1000, '1 µs'],
    [1250, '1.25 µs'],
    [80_000, '80 µs'],
    [999_499, '999 µs'],
    [999_950, '1 ms'],
    [112_400_000, '112 ms'],
    [12_340_000, '12.3 ms'],
    [3_400_000_000, '3.4 s'],
    [59_900_000_000, '59.9 s'],
    [125_000_000_000, '2 min 5 s'],
    [3_725_000_000_000, '1 h 2 min'],
    [-1500, '-1.5 µs'],
    [Number.NaN, 'unknown'],
  ];
  for (const [ns, text] of cases) assert.equal(formatDuration(ns), text, String(ns));
});

test('bytes, counts and quantities', () => {
  assert.deepEqual([1, 64, 1536, 1048576, 5 * 1024 ** 3].map(formatBytes), [
    '1 byte',
    '64 bytes',
    '1.5 KiB',
    '1 MiB',
    '5 GiB',
  ]);
  assert.deepEqual([0, 999, 1000, 1234567].map(formatCount), ['0', '999', '1,000', '1,234,567']);
  assert.deepEqual(
    [formatQuantity(0, 'poll'), formatQuantity(1, 'poll'), formatQuantity(2000, 'poll')],
    ['no polls', '1 poll', '2,000 polls'],
  );
});
