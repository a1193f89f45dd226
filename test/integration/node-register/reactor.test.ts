// What the loop of an unchanged program did: bytes of each connection, timers that were cleared or moved, jobs by name.
import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import {
  endOutcome,
  eventField,
  eventKind,
  jobKind,
  operationKind,
  operationOutcome,
  sourceKind,
} from '../../../runtime-probe/protocol/typescript/index.ts';
import { ProbePrograms } from '../../support/node-probe-program.ts';
import type { ReferenceModel } from '../../support/reference-reader.ts';
import {
  modelOf,
  nodes,
  nodeTitle,
  ofKind,
  type Recorded,
  record as recordOf,
  textsOf,
} from '../../support/registered-program.ts';

const programs = new ProbePrograms();
after(() => programs.remove());

function record<T>(
  executable: string,
  name: string,
  text: string,
  check: (recorded: Recorded) => T | Promise<T>,
): Promise<T> {
  return recordOf(programs, programs.script(name, text), { executable }, check);
}

/** Bytes of all operations of a kind, by source. */
function bytesBySource(model: ReferenceModel, kind: number): Map<number, number> {
  const at = eventField.operation;
  const sums = new Map<number, number>();
  for (const { values } of ofKind(model, eventKind.operation)) {
    if (values[at.operationKind] !== kind || values[at.outcome] !== operationOutcome.done) continue;
    const source = values[at.source] as number;
    sums.set(source, (sums.get(source) ?? 0) + (values[at.bytes] as number));
  }
  return sums;
}

interface Job {
  readonly kind: number;
  readonly name: string;
  readonly line: number;
  readonly outcome: number;
}

function jobsOf(model: ReferenceModel): readonly Job[] {
  const at = eventField.jobSubmit;
  const texts = textsOf(model);
  const lines = new Map(model.dictionary.flatMap((r) => (r.record === 'site' ? [[r.id, r.line]] : [])));
  const outcomes = new Map(
    ofKind(model, eventKind.jobEnd).map(({ values }) => [values[0], values[eventField.jobEnd.outcome]]),
  );
  return ofKind(model, eventKind.jobSubmit).map(({ values }) => ({
    kind: values[at.jobKind] as number,
    name: texts.get(values[at.name] as number) ?? '',
    line: lines.get(values[at.site] as number) ?? 0,
    outcome: outcomes.get(values[0]) ?? 0,
  }));
}

const connections = `const net = require('node:net');
const server = net.createServer((c) => {
  c.on('data', (bytes) => c.write(bytes));
  c.on('end', () => c.end());
});
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address();
  const c = net.connect(port, '127.0.0.1');
  c.write('x'.repeat(5_000_000));
  c.on('data', () => { if (c.bytesRead === 5_000_000) c.end(); });
  c.on('close', () => {
    server.close();
    console.log(JSON.stringify({ port, read: c.bytesRead, written: c.bytesWritten }));
  });
});`;

const secured = `const tls = require('node:tls');
// A key that both ends have: no certificate is needed.
const agreed = { ciphers: 'PSK-AES128-GCM-SHA256', minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' };
const psk = Buffer.alloc(16, 7);
const server = tls.createServer({ ...agreed, pskCallback: () => psk }, (c) => c.on('data', (bytes) => c.end(bytes)));
server.listen(0, '127.0.0.1', () => {
  const pskCallback = () => ({ psk, identity: 'test' });
  const checkServerIdentity = () => undefined;
  const c = tls.connect({ ...agreed, pskCallback, checkServerIdentity, port: server.address().port, host: '127.0.0.1' });
  c.on('secureConnect', () => c.write('y'.repeat(1000)));
  c.on('data', () => undefined);
  c.on('close', () => server.close());
});`;

// Whether the moved timer fires in between is the machine's matter; the program counts.
const timers = `const counted = { fired: 0, last: { setAtNs: 0 } };
const cleared = setTimeout(() => undefined, 60_000);
clearTimeout(cleared);
const interval = setInterval(() => { counted.fired++; clearInterval(interval); }, 1);
const moved = setTimeout(() => { counted.fired++; counted.last = { setAtNs }; }, 20);
// The loop's own clock, by which a timer is set, was read after the callback before.
let setAtNs = Number(process.hrtime.bigint());
let beforeNs = setAtNs;
let left = 8;
const move = setInterval(() => {
  counted.fired++;
  if (--left === 0) clearInterval(move);
  setAtNs = beforeNs;
  moved.refresh();
  beforeNs = Number(process.hrtime.bigint());
}, 10);
process.on('exit', () => console.log(JSON.stringify(counted)));`;

const jobs = `const fs = require('node:fs');
const zlib = require('node:zlib');
const dns = require('node:dns');
async function main() {
  const file = await fs.promises.open(__filename);
  await file.read(Buffer.alloc(8), 0, 8, 0);
  await file.close();
  await fs.promises.stat(__filename);
  await new Promise((done) => fs.mkdir(__dirname, done));
  await new Promise((done) => fs.write(1, 'written', done));
  await new Promise((done) => zlib.gzip('packed', done));
  zlib.gzipSync('at once');
  await new Promise((done) => dns.lookup('localhost', done));
  const packer = zlib.createGzip().on('error', () => undefined);
  packer.write('forgotten');
  packer.flush();
  packer.destroy();
}
main();`;

for (const executable of nodes)
  describe(`the loop of an unchanged program on ${nodeTitle(executable)}`, () => {
    test('bytes read and written are those that the connection itself counted', () =>
      record(executable, 'connections.cjs', connections, async ({ result, receiver }) => {
        const counted = JSON.parse(result.stdout) as { port: number; read: number; written: number };
        const model = await modelOf(receiver);
        const texts = textsOf(model);
        const sources = model.dictionary.flatMap((r) => (r.record === 'source' ? [r] : []));
        const listener = sources.find((source) => source.sourceKind === sourceKind.tcpListener);
        assert.equal(texts.get(listener?.local ?? 0), `127.0.0.1:${counted.port}`);
        const streams = sources.filter((source) => source.sourceKind === sourceKind.tcpStream);
        const client = streams.find((s) => texts.get(s.peer) === `127.0.0.1:${counted.port}`);
        const served = streams.find((s) => texts.get(s.local) === `127.0.0.1:${counted.port}`);
        assert.equal(streams.length, 2);
        assert.ok(client !== undefined && served !== undefined);
        assert.equal(texts.get(client.local), texts.get(served.peer));
        assert.ok(client.fd > 2 && served.fd > 2 && client.fd !== served.fd);
        const read = bytesBySource(model, operationKind.read);
        const written = bytesBySource(model, operationKind.write);
        assert.deepEqual([read.get(client.id), written.get(client.id)], [counted.read, counted.written]);
        assert.deepEqual([read.get(served.id), written.get(served.id)], [counted.written, counted.read]);
      }));

    test('what TLS reads is read from the connection below it', () =>
      record(executable, 'secured.cjs', secured, async ({ result, receiver }) => {
        assert.equal(result.code, 0, result.stderr);
        const model = await modelOf(receiver);
        const read = [...bytesBySource(model, operationKind.read).values()];
        assert.equal(read.length, 2);
        // The handshake comes on top, and each record's own bytes.
        assert.ok(
          read.every((bytes) => bytes > 1000),
          `${read}`,
        );
      }));

    test('a cleared timer ends, a moved one is late by its last deadline', () =>
      record(executable, 'timers.cjs', timers, async ({ result, receiver }) => {
        const counted = JSON.parse(result.stdout) as { fired: number; last: { setAtNs: number } };
        const model = await modelOf(receiver);
        const set = ofKind(model, eventKind.timerSet);
        const fired = ofKind(model, eventKind.timerFire);
        const cancelled = ofKind(model, eventKind.timerCancel);
        assert.equal(fired.length, counted.fired);
        const over = new Set([...fired, ...cancelled].map(({ values }) => values[0]));
        assert.equal(over.size, fired.length + cancelled.length, 'a timer ends once');
        const clearedTimer = set[0]?.values[0];
        assert.ok(cancelled.some(({ values }) => values[0] === clearedTimer));
        // The last to fire is the moved one. Node's clock for timers counts whole ms, and so does what is told.
        const last = fired.at(-1);
        const atNs = (last?.ns ?? 0) + Number(model.hello?.anchorMonotonicNs);
        const lateAtMostNs = atNs - (counted.last.setAtNs + 20e6);
        const latenessNs = last?.values[eventField.timerFire.latenessNs] ?? Number.NaN;
        assert.ok(latenessNs <= lateAtMostNs + 3e6, `${latenessNs} of at most ${lateAtMostNs} ns`);
      }));

    test('files, names and compression are told apart, with the operation and its line', () =>
      record(executable, 'jobs.cjs', jobs, async ({ result, receiver }) => {
        assert.equal(result.code, 0, result.stderr);
        const model = await modelOf(receiver);
        const { fileOther, fileRead, fileWrite, compression, dns } = jobKind;
        const { completed, cancelled } = endOutcome;
        const wanted: readonly Job[] = [
          { kind: fileOther, name: 'open', line: 5, outcome: completed },
          { kind: fileRead, name: 'read', line: 6, outcome: completed },
          { kind: fileOther, name: 'close', line: 7, outcome: completed },
          { kind: fileOther, name: 'stat', line: 8, outcome: completed },
          { kind: fileOther, name: 'mkdir', line: 9, outcome: completed },
          { kind: fileWrite, name: 'write', line: 10, outcome: completed },
          { kind: compression, name: 'zlib', line: 0, outcome: completed },
          { kind: dns, name: 'getaddrinfo localhost', line: 0, outcome: completed },
          { kind: compression, name: 'zlib', line: 0, outcome: cancelled },
        ];
        const told = jobsOf(model);
        for (const job of wanted)
          assert.ok(has(told, job), `${JSON.stringify(job)} in ${JSON.stringify(told)}`);
        assert.equal(told.filter(({ outcome }) => outcome === 0).length, 0, 'each job has an end');
        const at = eventField.poolState;
        const states = ofKind(model, eventKind.poolState).map(({ values }) => values);
        assert.equal(states.length, told.length * 2);
        assert.ok(states.every((values) => values[at.threads] === 4));
        assert.equal(states.at(-1)?.[at.idle], 4);
      }));
  });

const has = (jobs: readonly Job[], wanted: Job): boolean =>
  jobs.some(
    ({ kind, name, line, outcome }) =>
      kind === wanted.kind && name === wanted.name && line === wanted.line && outcome === wanted.outcome,
  );
