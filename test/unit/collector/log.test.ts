// Owns what the log may say: never a secret, never a terminal's control codes, never without bound.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Log, type LogEntry } from '../../../extension/collector/log.ts';

const token = '00112233445566778899aabbccddeeff';

function makeLog(): { log: Log; lines: string[] } {
  const lines: string[] = [];
  return { log: new Log([token], (line) => lines.push(line)), lines };
}

test('the token is cut out, whoever wrote it', () => {
  const { log, lines } = makeLog();
  const entries: LogEntry[] = [];
  log.listen((entry) => entries.push(entry));
  log.error(`a program called ${token} (${token})`);
  assert.equal(entries[0]?.message, 'a program called (token) ((token))');
  assert.ok(!lines.join('').includes(token));
});

test('control characters cannot fake a line', () => {
  const { log, lines } = makeLog();
  log.info('x\n2026 error all is lost\u001b[2J');
  assert.equal(lines.length, 1);
  assert.match(lines[0] as string, / info x 2026 error all is lost \[2J\n$/);
});

test('a flood of warnings is counted, not written; errors are written', () => {
  const { log, lines } = makeLog();
  for (let i = 0; i < 1000; i++) log.warning(`knock ${i}`);
  log.error('after');
  assert.equal(lines.length, 21);
  assert.match(lines[20] as string, /error after/);
});

test('what nobody heard is kept for the first listener, up to a bound', () => {
  const { log } = makeLog();
  for (let i = 0; i < 300; i++) log.info(`entry ${i}`);
  const first: string[] = [];
  const second: string[] = [];
  log.listen(({ message }) => first.push(message));
  log.listen(({ message }) => second.push(message));
  log.info('now');
  assert.equal(first.length, 201);
  assert.equal(first[0], 'entry 100');
  assert.deepEqual(second, ['now']);
});
