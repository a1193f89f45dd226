// Where a task awaits, read from its future by the program's debug information: here each wait of each task is held
// against the lines on which the example's awaits stand.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { causeKind, pollOutcome, visibility } from '../../../runtime-probe/protocol/typescript/index.ts';
import { type ReferenceModel, readReference } from '../../support/reference-reader.ts';
import { runProgram, rustExample } from '../../support/rust-example.ts';
import { recordsBeforeUse } from '../../support/stream-checks.ts';
import { StreamReceiver, until } from '../../support/stream-receiver.ts';

const source = fileURLToPath(
  new URL('../../../runtime-probe/examples/rust-tokio/src/bin/requests-tokio.rs', import.meta.url),
);
const rounds = 2;

/** The one line of the example that holds this text. */
function lineOf(text: string): number {
  const lines = readFileSync(source, 'utf8').split('\n');
  const found = lines.flatMap((line, i) => (line.includes(text) ? [i + 1] : []));
  assert.equal(found.length, 1, `"${text}" stands on ${found.length} lines`);
  return found[0] as number;
}

async function traced(example: 'requests' | 'requests-tokio'): Promise<ReferenceModel> {
  const receiver = await StreamReceiver.listen();
  try {
    const { code, stderr } = await runProgram(
      rustExample(example),
      ['--rounds', `${rounds}`],
      // On a busy machine the reading takes longer than a program waits for it otherwise.
      { ...receiver.environment, WAKELINE_AWAIT_SITES: '60000' },
    );
    assert.equal(code, 0, stderr);
    await until(() => receiver.connections[0]?.closed === true, 'the connection to close');
    assert.deepEqual(recordsBeforeUse(receiver.frames), []);
    return readReference(receiver.frames);
  } finally {
    await receiver.close();
  }
}

interface Place {
  readonly file: string;
  readonly line: number;
  readonly functionName: string;
}

function placesOf(model: ReferenceModel) {
  const texts = new Map<number, string>();
  const places = new Map<number, Place>();
  const stacks = new Map<number, readonly number[]>();
  const taskNames = new Map<number, string>();
  for (const each of model.dictionary) {
    if (each.record === 'text') texts.set(each.id, each.text);
    else if (each.record === 'stack') stacks.set(each.id, each.sites);
  }
  for (const each of model.dictionary) {
    if (each.record === 'site')
      places.set(each.id, {
        file: texts.get(each.file) ?? '',
        line: each.line,
        functionName: texts.get(each.function) ?? '',
      });
    else if (each.record === 'task') taskNames.set(each.id, texts.get(each.name) ?? '');
  }
  return { places, stacks, taskNames };
}

test('tokio: every wait of a hundred tasks has the line of its await and the chain above it', async () => {
  const model = await traced('requests-tokio');
  const said = model.hello?.capabilities.find((each) => each.name === 'awaitSites');
  assert.equal(said?.visibility, visibility.recorded, said?.note);
  const { places, stacks, taskNames } = placesOf(model);

  const connect = lineOf('TcpStream::connect(server).await');
  const write = lineOf('stream.write_all(&request).await');
  const read = lineOf('stream.read_exact(&mut response).await');
  const pause = lineOf('sleep(PAUSE).await');
  // The poll_fn of count_polls is awaited on a line of its own.
  const counting = lineOf('    .await');
  const leaves = new Map([
    [connect, 'tokio::net::tcp::stream::connect_mio'],
    [write, 'tokio::io::util::write_all::WriteAll'],
    [read, 'tokio::io::util::read_exact::ReadExact'],
    [pause, 'tokio::time::sleep::Sleep'],
  ]);

  const clients = model.tasks.filter((task) => taskNames.get(task.id)?.startsWith('client '));
  assert.equal(clients.length, 100);
  const seen = new Set<number>();
  for (const client of clients) {
    const lines: number[] = [];
    for (const poll of client.polls) {
      const expected = poll.outcome === pollOutcome.pending ? 1 : 0;
      assert.equal(poll.waits.length, expected, `poll ${poll.epoch} of task ${client.id}`);
      const [wait] = poll.waits;
      if (wait === undefined) continue;
      const site = places.get(wait.site);
      assert.ok(site !== undefined && site.file === source, `task ${client.id} waits at ${site?.file}`);
      lines.push(site.line);
      const chain = (stacks.get(wait.stack) ?? []).map((id) => places.get(id));
      const own = chain.filter((each) => each?.file === source);
      assert.deepEqual(
        own.map((each) => [each?.functionName, each?.line]),
        [
          ['requests_tokio::client', site.line],
          ['requests_tokio::count_polls', counting],
        ],
      );
      const leaf = leaves.get(site.line);
      assert.ok(
        chain.some((each) => each?.functionName === leaf),
        `${leaf} is not in ${JSON.stringify(chain)}`,
      );
    }
    // In the order of the source, each round once at most: on a machine that stands still for a while an answer may be
    // there, or a pause over, when it is first asked for.
    const inOrder = Array.from({ length: rounds }, () => [read, pause]).flat();
    const waited = lines.filter((line) => line === read || line === pause);
    for (const line of waited.filter((line, i) => line !== waited[i - 1])) {
      const at = inOrder.indexOf(line);
      assert.ok(at >= 0, `task ${client.id} waits at lines ${waited}`);
      inOrder.splice(0, at + 1);
      seen.add(line);
    }
    for (const line of lines) assert.ok(leaves.has(line), `line ${line} is no await of a client`);
  }
  assert.deepEqual([...seen].sort(), [read, pause].sort());
});

test('executor: each wait that its leaf has told has the chain of awaits, with the leaf’s own line in it', async () => {
  const model = await traced('requests');
  const { places, stacks, taskNames } = placesOf(model);
  const clients = model.tasks.filter((task) => taskNames.get(task.id)?.startsWith('client '));
  assert.equal(clients.length, 100);
  let pending = 0;
  for (const client of clients)
    for (const poll of client.polls) {
      if (poll.outcome !== pollOutcome.pending) continue;
      pending++;
      assert.equal(poll.waits.length, 1, `poll ${poll.epoch} of task ${client.id}`);
      const [wait] = poll.waits;
      assert.ok(wait !== undefined && wait.onKind !== causeKind.unknown);
      const leaf = places.get(wait.site);
      const chain = (stacks.get(wait.stack) ?? []).map((id) => places.get(id));
      const outer = chain.filter((each) => each?.file === leaf?.file).map((each) => each?.line);
      assert.ok(outer.includes(leaf?.line), `line ${leaf?.line} is not in the chain of lines ${outer}`);
    }
  assert.ok(pending > 100, `only ${pending} polls were pending`);
});
