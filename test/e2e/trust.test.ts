// Who may talk to the collector: peers with a wrong token, none, or no preamble at all are told why not, named in the
// extension's log and counted; the session of others does not notice. The token is in no file but the window's own.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import {
  asViewer,
  collectorOf,
  filesBelow,
  knock,
  recordingsOf,
  summaryOf,
} from '../support/e2e/collector.ts';
import { longTypeScript } from '../support/e2e/example-launches.ts';
import { scenario } from '../support/e2e/scenario.ts';
import { timelineOf } from '../support/e2e/timeline.ts';
import { familyMembers } from '../support/workbench/process-family.ts';
import type { Workbench } from '../support/workbench/workbench.ts';

const statusItemId = 'wakeline.wakeline.wakeline.status';
const program = 1;
const viewer = 2;

/** The first bytes of a connection, as WIRE.md lays them out. */
function preamble(role: number, token: Uint8Array): Buffer {
  const bytes = Buffer.alloc(28);
  bytes.write('WAKELINE', 0, 'latin1');
  bytes.writeUInt16LE(1, 8);
  bytes[10] = role;
  bytes.set(token.subarray(0, 16), 12);
  return bytes;
}

const wrongToken = Buffer.from('00112233445566778899aabbccddeeff', 'hex');

/** Peers that must be refused, and what they and the log must be told. */
const strangers = [
  { name: 'program with a wrong token', bytes: preamble(program, wrongToken), reason: /the token is not/ },
  { name: 'viewer with a wrong token', bytes: preamble(viewer, wrongToken), reason: /the token is not/ },
  { name: 'program without a token', bytes: preamble(program, Buffer.alloc(16)), reason: /the token is not/ },
  {
    name: 'browser',
    bytes: Buffer.from('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'),
    reason: /no Wakeline connection/,
  },
  { name: 'peer that gives up', bytes: Buffer.from('WAKEL'), reason: /ended after 5 of 28 bytes/ },
] as const;

async function refusals(workbench: Workbench): Promise<number> {
  const { result } = await asViewer(await collectorOf(workbench), (client) => client.request('status', {}));
  return result.refused;
}

scenario(
  'trust',
  { file: 'typescript/src/requests.ts', launches: [longTypeScript] },
  async (workbench, step) => {
    await workbench.startDebugging(longTypeScript.name);
    await workbench.statusItem(statusItemId).filter({ hasText: 'live' }).waitFor();
    const timeline = await timelineOf(workbench);
    const secret = await collectorOf(workbench);

    await step('strangers are told why they are refused, named in the log and counted', async () => {
      const before = await refusals(workbench);
      for (const { name, bytes, reason } of strangers) {
        const reply = await knock(secret.endpoint, bytes);
        assert.equal(reply[0], 1, `${name}: status of the reply`);
        const message = reply.toString('utf8', 4);
        assert.equal(reply.readUInt16LE(2), reply.length - 4, `${name}: nothing comes behind the message`);
        assert.match(message, reason, name);
      }
      for (const { reason } of strangers)
        await workbench.logWith(new RegExp(`\\[warning\\] a peer was refused: .*${reason.source}`));
      assert.equal(await refusals(workbench), before + strangers.length);
    });

    await step('the live session of others goes on untouched', async () => {
      const session = await timeline.session();
      const polls = await timeline.total('polls');
      await timeline.totalThat('polls', (value) => value > polls + 100);
      assert.equal(await timeline.badge().textContent(), 'live');
      const summary = await summaryOf(secret, session);
      assert.equal(summary.state, 'live');
      assert.equal(summary.problem, '');
      assert.equal(summary.totals.dropped, 0);
      const { result } = await asViewer(secret, (client) => client.request('sessions', {}));
      // The program's own threads may have theirs, which are of its group.
      const groups = new Set(result.map(({ family }) => family?.group));
      assert.deepEqual([...groups], [summary.family?.group], 'strangers made no session');
    });

    await step('the token is in no recording, no log, no argument', async () => {
      await workbench.stopDebugging();
      await workbench.statusItem(statusItemId).filter({ hasNotText: 'live' }).waitFor();
      assert.ok(recordingsOf(workbench).length > 0, 'there is a recording to look into');
      const needles = [Buffer.from(secret.token), Buffer.from(secret.token, 'hex')];
      const holding = filesBelow(workbench.server.rootFolder).filter((file) => {
        const bytes = readFileSync(file);
        return needles.some((needle) => bytes.includes(needle));
      });
      assert.deepEqual(
        holding.filter((file) => !file.endsWith('/collector.json')),
        [],
      );
      assert.equal(holding.length, 1, 'the window keeps the token in one file, so the search does find it');
      const members = familyMembers(workbench.server.rootFolder);
      const argumentsOf = (pid: number) => readFileSync(`/proc/${pid}/cmdline`, 'utf8');
      assert.ok(members.length > 3, 'processes of the workbench');
      assert.deepEqual(
        members.filter((pid) => argumentsOf(pid).includes(secret.token)),
        [],
      );
    });
  },
);
