// What the environment may say, and what a wrong value is answered with.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { readEnvironment, readExitMs } from '../../../runtime-probe/node/src/probe/environment.ts';
import { describeProgram, probeVersion } from '../../../runtime-probe/node/src/probe/hello.ts';
import { layOutRing } from '../../../runtime-probe/node/src/probe/ring-layout.ts';
import { decodeHello, detail, encodeHello } from '../../../runtime-probe/protocol/typescript/index.ts';

const token = '00112233445566778899AABBCCDDEEFF';

test('no address, no recording', () => {
  assert.equal(readEnvironment({}), undefined);
  assert.equal(readEnvironment({ WAKELINE: '', WAKELINE_TOKEN: token }), undefined);
});

test('both kinds of address', () => {
  assert.deepEqual(
    readEnvironment({ WAKELINE: 'unix:/run/w', WAKELINE_TOKEN: token, WAKELINE_LAUNCH: 'l' }),
    {
      endpoint: { kind: 'unix', path: '/run/w' },
      token: token.toLowerCase(),
      launch: 'l',
      detail: undefined,
    },
  );
  for (const [address, host] of [
    ['tcp://127.0.0.1:5', '127.0.0.1'],
    ['tcp://[::1]:5', '::1'],
    ['tcp://localhost:5', 'localhost'],
  ] as const)
    assert.deepEqual(readEnvironment({ WAKELINE: address, WAKELINE_TOKEN: token })?.endpoint, {
      kind: 'tcp',
      host,
      port: 5,
    });
});

test('an exit waits 300 ms, or as long as it is told to', () => {
  const read = (text: string): number => readExitMs({ WAKELINE_EXIT_MS: text });
  assert.deepEqual([readExitMs({}), read(''), read('5000'), read('0')], [300, 300, 5000, 0]);
  assert.deepEqual([read('-1'), read('1e3'), read('forever')], [300, 300, 300]);
});

test('a wrong address is told what a right one is', () => {
  for (const address of [
    'unix:relative',
    'tcp://10.0.0.1:5',
    'tcp://127.0.0.1:0',
    'tcp://127.0.0.1:65536',
    'x',
  ])
    assert.throws(
      () => readEnvironment({ WAKELINE: address, WAKELINE_TOKEN: token }),
      /neither unix:.*nor tcp:/,
    );
});

test('what is recorded to begin with', () => {
  const read = (name?: string) =>
    readEnvironment({ WAKELINE: 'unix:/run/w', WAKELINE_TOKEN: token, WAKELINE_DETAIL: name })?.detail;
  assert.deepEqual([undefined, '', 'off', 'native', 'lean', 'full'].map(read), [
    undefined,
    undefined,
    detail.off,
    detail.native,
    detail.lean,
    detail.full,
  ]);
  for (const wrong of ['all', 'Lean', 'constructor'])
    assert.throws(() => read(wrong), /WAKELINE_DETAIL is ".*", which is none of off, lean, full, native/);
});

test('a wrong token is named but not repeated', () => {
  for (const wrong of [undefined, 'secret-but-short', `${token}0`])
    assert.throws(
      () => readEnvironment({ WAKELINE: 'unix:/run/w', WAKELINE_TOKEN: wrong }),
      (error: Error) => /WAKELINE_TOKEN must be/.test(error.message) && !error.message.includes('secret'),
    );
});

test('the hello names the version of the package', () => {
  const manifest = JSON.parse(
    readFileSync(new URL('../../../runtime-probe/node/package.json', import.meta.url), 'utf8'),
  ) as { version: string };
  assert.equal(probeVersion, manifest.version);
  const hello = decodeHello(encodeHello(describeProgram('ab'.repeat(16), 1234, '')));
  assert.equal(hello.originTick, 1234n);
  assert.match(hello.probe, new RegExp(`^wakeline ${manifest.version} `));
});

test('a ring that is too small or no number is refused', () => {
  for (const bytes of [0, 1000, -1, Number.NaN, 2 ** 31, 200_000.5])
    assert.throws(() => layOutRing(bytes), /ringBytes must be/);
  const layout = layOutRing(8 * 1024 * 1024);
  assert.ok(layout.totalBytes <= 8 * 1024 * 1024);
  assert.equal(Math.log2(layout.dictionaryBytes) % 1, 0);
});
