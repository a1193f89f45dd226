// Programs of the npm registry that nobody here wrote, unchanged, with `--require`: their own tests end as without it, and
// each request that a server of theirs took is a task of the trace.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import {
  type DictionaryRecord,
  decodeDictionary,
  decodeHello,
  frameKind,
  taskKind,
} from '../../runtime-probe/protocol/typescript/index.ts';
import { ProbePrograms } from '../support/node-probe-program.ts';
import { compare, NpmCopy, type NpmPackage } from '../support/npm-package.ts';
import { nodes, nodeTitle } from '../support/registered-program.ts';
import { type ReceivedConnection, StreamReceiver, until } from '../support/stream-receiver.ts';

interface Program extends NpmPackage {
  readonly what: string;
  /** The fewest tests that must pass before and after, and the fewest requests that its servers must have taken. */
  readonly atLeast: number;
  readonly requests: number;
  /** Its tests want a newer Node than the oldest. */
  readonly newer: boolean;
}

const packages: readonly Program[] = [
  {
    name: 'fastify',
    version: '5.12.8',
    what: 'a web framework',
    needs:
      'ajv ajv-errors ajv-formats ajv-i18n ajv-merge-patch fast-json-body fastify-plugin fluent-json-schema h2url http-errors joi JSONStream node-forge proxyquire split2 undici vary yup'.split(
        ' ',
      ),
    tests: /\.test\.m?js$/,
    atLeast: 1400,
    requests: 500,
    newer: false,
  },
  {
    name: 'pino',
    version: '10.4.0',
    what: 'a library with a large suite, worker threads and child processes',
    needs:
      '@matteo.collina/tspl execa flush-write-stream import-fresh pino-pretty proxyquire rimraf split2 strip-ansi tape through2'.split(
        ' ',
      ),
    tests: /^test\/(?!browser|jest|types).*\.test\.m?js$/,
    atLeast: 300,
    requests: 1,
    newer: false,
  },
  {
    name: 'autocannon',
    version: '9.0.0',
    what: 'a command with child processes and worker threads',
    needs: 'ansi-regex bl busboy proxyquire split2 why-is-node-running'.split(' '),
    tests: /^test\/(serial\/)?[^/]+\.test\.js$/,
    atLeast: 200,
    requests: 1000,
    newer: true,
  },
];

/**
 * Counts requests where a server hands them out, by a way that the probe does not take; and those that Node answers
 * itself, as one without a host.
 */
const requestCounter = `
const fs = require('node:fs');
const http = require('node:http');
const http2 = require('node:http2');
const path = require('node:path');
const { isMainThread, threadId } = require('node:worker_threads');
let taken = 0;
const given = new WeakSet();
for (const { Server } of [http, require('node:https')]) {
  const { emit } = Server.prototype;
  Server.prototype.emit = function (name, ...rest) {
    if (name === 'request' || name === 'checkContinue' || name === 'checkExpectation') {
      if (!given.has(rest[1])) taken++;
      given.add(rest[1]);
    }
    return emit.call(this, name, ...rest);
  };
}
// A stream of HTTP/2 is a request; such a server also hands out the requests of clients that speak HTTP/1.
for (const { prototype } of [http2.createServer().constructor, http2.createSecureServer().constructor]) {
  const { emit } = prototype;
  prototype.emit = function (name, ...rest) {
    if (name === 'stream') taken++;
    if (name === 'request' && rest[1] instanceof http.ServerResponse) {
      if (!given.has(rest[1])) taken++;
      given.add(rest[1]);
    }
    return emit.call(this, name, ...rest);
  };
}
const { writeHead } = http.ServerResponse.prototype;
http.ServerResponse.prototype.writeHead = function (...rest) {
  if (this.req?.socket?.server !== undefined && !given.has(this)) {
    given.add(this);
    taken++;
  }
  return writeHead.apply(this, rest);
};
process.on('exit', () => {
  const name = process.pid + (isMainThread ? '' : '.' + threadId);
  if (taken > 0) fs.writeFileSync(path.join(process.env.REQUEST_COUNTS, name), String(taken));
});
`;

interface SessionRead {
  readonly process: string;
  readonly requests: number;
  readonly whole: boolean;
}

/**
 * A session as the names of its tasks, and which process or thread it is. None of a process or thread that was killed
 * in its first second, in which the greeting is held back.
 */
function sessionOf({ frames }: ReceivedConnection): SessionRead | undefined {
  const hello = frames.find(({ kind }) => kind === frameKind.hello);
  if (hello === undefined) return undefined;
  const { pid, shapes, family } = decodeHello(hello.payload);
  const texts = new Map<number, string>();
  const names: number[] = [];
  const take = (record: DictionaryRecord): void => {
    if (record.record === 'text') texts.set(record.id, record.text);
    else if (record.record === 'task' && record.taskKind === taskKind.root) names.push(record.name);
  };
  for (const { kind, payload } of frames)
    if (kind === frameKind.dictionary) decodeDictionary(payload, shapes, take);
  const [, thread] = /^worker thread (\d+)$/.exec(family?.part ?? '') ?? [];
  return {
    process: thread === undefined ? String(pid) : `${pid}.${thread}`,
    requests: names.filter((name) => /^[A-Z][A-Z_-]* /.test(texts.get(name) ?? '')).length,
    whole: frames.at(-1)?.kind === frameKind.end,
  };
}

const programs = new ProbePrograms();
after(() => programs.remove());

/** This Node or the newer one, as each wants it; or all of those that the environment lists. */
const runs = packages.flatMap((each) =>
  (process.env['WAKELINE_TEST_NODES'] === undefined
    ? nodes.slice(each.newer ? -1 : 0).slice(0, 1)
    : nodes
  ).map((executable) => ({ each, executable })),
);

for (const { each, executable } of runs)
  test(`${each.name} ${each.version}, ${each.what}, on ${nodeTitle(executable)}: its own tests end as before while it is recorded, and each request is a task`, async (context) => {
    const receiver = await StreamReceiver.listen();
    const folder = mkdtempSync(join(tmpdir(), 'wakeline-world-'));
    try {
      const copy = NpmCopy.fetch(each);
      const testsBefore = await copy.test({ executable });
      const passed = [...testsBefore.values()].filter((outcome) => outcome === 'pass').length;
      assert.ok(passed >= each.atLeast, `${passed} tests passed before`);
      const counter = join(folder, 'count.cjs');
      writeFileSync(counter, requestCounter);
      const counts = join(folder, 'counts');
      mkdirSync(counts);
      const { different, unsteady } = await compare(copy, testsBefore, {
        executable,
        environment: {
          ...receiver.environment,
          NODE_OPTIONS: `--require ${programs.register()} --require ${counter}`,
          REQUEST_COUNTS: counts,
        },
      });
      for (const line of unsteady) context.diagnostic(`unsteady: ${line}`);
      await until(() => receiver.connections.every(({ closed }) => closed), 'all sessions to end', 60_000);
      const sessions = receiver.connections.map(sessionOf).filter((each) => each !== undefined);
      const silent = receiver.connections.length - sessions.length;
      const expected = new Map(
        readdirSync(counts).map((name) => [name, Number(readFileSync(join(counts, name), 'utf8'))]),
      );
      const wrong = sessions
        .filter(({ whole, process, requests }) => whole && requests !== (expected.get(process) ?? 0))
        .map(
          ({ process, requests }) => `${process}: ${requests} tasks, ${expected.get(process) ?? 0} requests`,
        );
      const all = [...expected.values()].reduce((sum, count) => sum + count, 0);
      const cut = sessions.filter(({ whole }) => !whole).length;
      context.diagnostic(
        `${passed} of ${testsBefore.size} tests pass; ${sessions.length} sessions, ${cut} of them cut, ${silent} killed before they greeted; ${all} requests`,
      );
      assert.deepEqual(different, []);
      assert.deepEqual(wrong, []);
      assert.ok(all >= each.requests, `${all} requests`);
    } finally {
      await receiver.close();
      rmSync(folder, { recursive: true, force: true });
    }
  });
