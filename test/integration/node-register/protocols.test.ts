// What an unchanged program did with datagrams, name servers, TLS and HTTP/2, against what the program itself counted.
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
  taskNames,
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

/** Sums of the bytes that went each way, by the port of the source's own end. */
function bytesByPort(model: ReferenceModel, kind: number): Record<string, number> {
  const texts = textsOf(model);
  const ports = new Map(
    model.dictionary.flatMap((r) =>
      r.record === 'source' ? [[r.id, texts.get(r.local)?.split(':').at(-1) ?? ''] as const] : [],
    ),
  );
  const at = eventField.operation;
  const sums: Record<string, number> = {};
  for (const { values } of ofKind(model, eventKind.operation)) {
    if (values[at.operationKind] !== kind || values[at.outcome] !== operationOutcome.done) continue;
    const port = ports.get(values[at.source] as number) ?? '';
    if (port !== '') sums[port] = (sums[port] ?? 0) + (values[at.bytes] as number);
  }
  return sums;
}

/** Each datagram as "read 5 from 127.0.0.1:40", in the order of the trace. */
function datagramsOf(model: ReferenceModel, sources: ReadonlySet<number>): string[] {
  const texts = textsOf(model);
  const at = eventField.operation;
  let peer = '';
  return model.events.flatMap(({ kind, values }) => {
    if (kind === eventKind.operationPeer) peer = texts.get(values[eventField.operationPeer.peer] ?? 0) ?? '';
    if (kind !== eventKind.operation || !sources.has(values[at.source] as number)) return [];
    const told = `${values[at.operationKind] === operationKind.read ? 'read' : 'write'} ${values[at.bytes]} ${peer}`;
    peer = '';
    return [told];
  });
}

const datagrams = `const dgram = require('node:dgram');
const counted = [];
const a = dgram.createSocket('udp4');
const b = dgram.createSocket('udp4');
const at = (socket) => '127.0.0.1:' + socket.address().port;
function send(socket, bytes, to, how) {
  counted.push('write ' + bytes + ' ' + at(to));
  how(Buffer.alloc(bytes));
}
let left = 30;
b.on('message', (bytes, { port, address }) => {
  counted.push('read ' + bytes.length + ' ' + at(a));
  if (--left === 0) { a.close(); b.close(); console.log(JSON.stringify(counted)); return; }
  send(b, bytes.length + 7, a, (message) => b.send(message, port, address));
});
a.on('message', (bytes) => {
  counted.push('read ' + bytes.length + ' ' + at(b));
  // A socket with one other end; with a callback, and in parts.
  send(a, left === 20 ? 0 : left * 3, b, (message) => a.send([message.subarray(0, 2), message.subarray(2)], () => undefined));
});
b.bind(0, '127.0.0.1', () => a.bind(0, '127.0.0.1', () => a.connect(b.address().port, '127.0.0.1', () =>
  send(a, 100, b, (message) => a.send(message)))));`;

const queries = `const dgram = require('node:dgram');
const dns = require('node:dns');
// A name server that knows every name but "missing.test".
const server = dgram.createSocket('udp4');
server.on('message', (question, { port, address }) => {
  const answer = Buffer.from(question);
  answer[2] = 0x81;
  answer[3] = 0x80;
  answer[11] = 0;
  let end = 12;
  while (answer[end] !== 0) end += answer[end] + 1;
  end += 5;
  if (answer.includes('missing')) {
    answer[3] = 0x83;
    server.send(answer.subarray(0, end), port, address);
    return;
  }
  answer[7] = 1;
  server.send(Buffer.concat([answer.subarray(0, end), Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 127, 0, 0, 9])]), port, address);
});
server.bind(0, '127.0.0.1', async () => {
  const resolver = new dns.promises.Resolver();
  resolver.setServers(['127.0.0.1:' + server.address().port]);
  const found = await resolver.resolve4('found.test');
  const missing = await resolver.resolve4('missing.test').catch(({ code }) => code);
  const callbacks = new dns.Resolver();
  callbacks.setServers(['127.0.0.1:' + server.address().port]);
  callbacks.resolve4('again.test', (error, again) => {
    server.close();
    console.log(JSON.stringify({ found, missing, again }));
  });
});`;

const agreed = `const agreed = { ciphers: 'PSK-AES128-GCM-SHA256', minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' };
const psk = Buffer.alloc(16, 7);
const client = { ...agreed, pskCallback: () => ({ psk, identity: 'test' }), checkServerIdentity: () => undefined };
const service = { ...agreed, pskCallback: () => psk };`;

const secured = `const net = require('node:net');
const tls = require('node:tls');
${agreed}
const server = tls.createServer(service, (c) => {
  let heard = 0;
  c.on('data', (bytes) => { heard += bytes.length; if (heard === 300_000) c.end('z'.repeat(200_000)); });
});
server.listen(0, '127.0.0.1', () => {
  const below = net.connect(server.address().port, '127.0.0.1');
  const c = tls.connect({ ...client, socket: below });
  c.on('secureConnect', () => c.write('y'.repeat(300_000)));
  c.on('data', () => undefined);
  // Counted by the plain socket below it.
  below.on('close', () => {
    server.close();
    console.log(JSON.stringify({ read: below.bytesRead, written: below.bytesWritten }));
  });
});`;

const streams = (secure: boolean): string => `const http2 = require('node:http2');
${agreed}
const served = [];
const handler = (request, response) => {
  served.push(request.method + ' ' + request.url.split('?')[0]);
  request.resume();
  // One that the client gives up is never answered.
  if (request.url === '/given-up') return;
  request.on('end', () => setTimeout(() => response.end('answer to ' + request.url), 1));
};
const server = ${secure ? 'http2.createSecureServer(service, handler)' : 'http2.createServer(handler)'};
server.listen(0, '127.0.0.1', () => {
  const session = http2.connect('${secure ? 'https' : 'http'}://127.0.0.1:' + server.address().port, client);
  let left = 9;
  const over = () => { if (--left === 0) { session.close(); server.close(); } };
  for (let i = 0; i < 8; i++) {
    const stream = session.request({ ':path': '/' + i + '?query', ':method': i % 2 === 0 ? 'GET' : 'POST' });
    if (i % 2 !== 0) stream.end('x'.repeat(50_000));
    stream.resume().on('close', over);
  }
  const stream = session.request({ ':path': '/given-up' });
  stream.on('error', () => undefined).on('close', over);
  server.on('request', (request) => { if (request.url === '/given-up') stream.close(http2.constants.NGHTTP2_CANCEL); });
});
process.on('exit', () => console.log(JSON.stringify(served)));`;

for (const executable of nodes)
  describe(`protocols of an unchanged program on ${nodeTitle(executable)}`, () => {
    test('each datagram is told with its bytes and its other end', () =>
      record(executable, 'datagrams.cjs', datagrams, async ({ result, receiver }) => {
        assert.equal(result.code, 0, result.stderr);
        const counted = JSON.parse(result.stdout) as string[];
        const model = await modelOf(receiver);
        const sockets = model.dictionary.flatMap((r) =>
          r.record === 'source' && r.sourceKind === sourceKind.udpSocket ? [r.id] : [],
        );
        assert.ok(counted.some((each) => each.startsWith('write 0 ')));
        assert.deepEqual(datagramsOf(model, new Set(sockets)), counted);
      }));

    test('a question to a name server is told with its name, its end and its error, and is none of the pool', () =>
      record(executable, 'queries.cjs', queries, async ({ result, receiver }) => {
        assert.equal(result.code, 0, result.stderr);
        assert.deepEqual(JSON.parse(result.stdout), {
          found: ['127.0.0.9'],
          missing: 'ENOTFOUND',
          again: ['127.0.0.9'],
        });
        const model = await modelOf(receiver);
        const texts = textsOf(model);
        const at = eventField.jobSubmit;
        const asked = ofKind(model, eventKind.jobSubmit).filter(
          ({ values }) => values[at.jobKind] === jobKind.query,
        );
        const ends = new Map(ofKind(model, eventKind.jobEnd).map(({ values }) => [values[0], values[1]]));
        const errors = new Map(
          ofKind(model, eventKind.jobError).map(({ values }) => [values[0], texts.get(values[1] ?? 0)]),
        );
        assert.deepEqual(
          asked.map(({ values }) => [
            texts.get(values[at.name] as number),
            ends.get(values[0]),
            errors.get(values[0]),
            values[at.runtime],
          ]),
          [
            ['A found.test', endOutcome.completed, undefined, 0],
            ['A missing.test', endOutcome.panicked, 'ENOTFOUND', 0],
            ['A again.test', endOutcome.completed, undefined, 0],
          ],
        );
        // Each of the waits for them ended with a wake by the question.
        const jobs = new Set(asked.map(({ values }) => values[0]));
        assert.equal(new Set(model.wakes.flatMap((w) => (jobs.has(w.causeId) ? [w.causeId] : []))).size, 3);
      }));

    test('bytes below TLS are those that the socket below it counted, both ways', () =>
      record(executable, 'secured-both-ways.cjs', secured, async ({ result, receiver }) => {
        assert.equal(result.code, 0, result.stderr);
        const { read, written } = JSON.parse(result.stdout) as { read: number; written: number };
        const model = await modelOf(receiver);
        const reads = Object.values(bytesByPort(model, operationKind.read)).sort((a, b) => a - b);
        const writes = Object.values(bytesByPort(model, operationKind.write)).sort((a, b) => a - b);
        assert.deepEqual(reads, [read, written]);
        assert.deepEqual(writes, [read, written]);
      }));

    for (const secure of [false, true])
      test(`each request over HTTP/2${secure ? ' and TLS' : ''} is a task that ends with its stream`, () =>
        record(executable, `streams-${secure}.cjs`, streams(secure), async ({ result, receiver }) => {
          assert.equal(result.code, 0, result.stderr);
          const served = JSON.parse(result.stdout) as string[];
          assert.equal(served.length, 9);
          const model = await modelOf(receiver);
          const names = taskNames(model);
          const ends = new Map(ofKind(model, eventKind.taskEnd).map(({ values }) => [values[0], values[1]]));
          const requests = [...names].filter(([, name]) => /^(?:GET|POST) /.test(name));
          assert.deepEqual(
            requests.map(([id, name]) => [name, ends.get(id)]),
            served.map((name) => [
              name,
              name === 'GET /given-up' ? endOutcome.cancelled : endOutcome.completed,
            ]),
          );
          // Its timer woke each that was answered.
          const timersSet = ofKind(model, eventKind.timerSet);
          const at = eventField.timerSet;
          for (const [id, name] of requests) {
            const own = timersSet.filter(({ values }) => values[at.task] === id);
            assert.equal(own.length, name === 'GET /given-up' ? 0 : 1, name);
          }
          // What went over the connection was written by one end and read by the other.
          const [first, second] = Object.entries(bytesByPort(model, operationKind.read));
          const written = bytesByPort(model, operationKind.write);
          assert.ok(first !== undefined && second !== undefined);
          assert.equal(written[first[0]], second[1]);
          assert.equal(written[second[0]], first[1]);
        }));
  });
