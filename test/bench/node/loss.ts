// Owns what a program loses by a signal that it does not handle: the time between the last thing that it did and the last
// event that came. Knows nothing of other figures.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { decodeChunkHead, decodeHello, frameKind } from '../../../runtime-probe/protocol/typescript/index.ts';
import { StreamReceiver, until } from '../../support/stream-receiver.ts';

const timeoutMs = 60_000;
/** By then the writer thread is in its rounds. */
const callbacks = 100;

/** `program` tells on its output when each of its timers called back. In ms. */
export async function lostMs(
  node: string,
  register: string,
  program: string,
  signal: NodeJS.Signals,
): Promise<number> {
  const receiver = await StreamReceiver.listen();
  const { PATH = '' } = process.env;
  const child = spawn(node, ['--require', register, program], {
    env: { PATH, ...receiver.environment },
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: timeoutMs,
  });
  try {
    let output = '';
    child.stdout.on('data', (bytes: Buffer) => {
      output += bytes.toString();
    });
    await until(() => receiver.framesOf(frameKind.watermarks).length > callbacks, 'rounds', timeoutMs);
    child.kill(signal);
    await once(child, 'close');
    await until(() => receiver.connections.every(({ closed }) => closed), 'the stream to break', timeoutMs);
    const hello = decodeHello(receiver.framesOf(frameKind.hello)[0]?.payload ?? new Uint8Array());
    const chunk = decodeChunkHead(receiver.framesOf(frameKind.chunk).at(-1)?.payload ?? new Uint8Array());
    const last = output.trim().split('\n').at(-1) ?? '';
    return Math.max(0, Number(BigInt(last) - hello.originTick - BigInt(chunk.lastTick)) / 1e6);
  } finally {
    child.kill('SIGKILL');
    await receiver.close();
  }
}
