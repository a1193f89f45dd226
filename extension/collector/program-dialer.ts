// Owns coming to a program that listens (WAKELINE_LISTEN): the connection and the handshake, with the program's token.
// Must not know sessions. The token leaves this file in no message.
import { createConnection, type Socket } from 'node:net';
import { encodePreamble, role } from '../../runtime-probe/protocol/typescript/index.ts';
import { connectionOf } from './endpoint.ts';

/** A program looks at its door about 100 times a second, also when it is busy. */
const answerTimeoutMs = 5000;

/** The program is not there, or does not let us in. The message says which and what to do. */
export class DialError extends Error {
  override readonly name = 'DialError';
}

export interface DialedProgram {
  /** Paused; what follows the reply is the program's stream. */
  readonly socket: Socket;
  readonly first: Uint8Array;
}

/** Resolves when the program has let us in. Throws SettingsError for an address that is none, else DialError. */
export async function dialProgram(address: string, token: string): Promise<DialedProgram> {
  const target = connectionOf(address);
  return new Promise((resolve, reject) => {
    // Half open, as at the collector's own door: the program may end its stream first.
    const socket = createConnection({ ...target, allowHalfOpen: true });
    let received = Buffer.alloc(0);
    const fail = (message: string): void => {
      clearTimeout(timer);
      socket.destroy();
      reject(new DialError(message));
    };
    const timer = setTimeout(
      () =>
        fail(
          `nobody at ${address} answered within ${answerTimeoutMs / 1000} s. A program that a debugger holds cannot; let it run and try again`,
        ),
      answerTimeoutMs,
    );
    socket.on('error', (error) =>
      fail(
        `no program listens at ${address}: ${error.message}. Start it with WAKELINE_LISTEN=${address} and WAKELINE_TOKEN`,
      ),
    );
    socket.on('end', () => fail(`the program at ${address} closed the connection`));
    socket.on('connect', () => socket.write(encodePreamble(role.collector, token)));
    socket.on('data', (bytes: Buffer) => {
      received = Buffer.concat([received, bytes]);
      if (received.length < 4 || received.length < 4 + received.readUInt16LE(2)) return;
      const messageEnd = 4 + received.readUInt16LE(2);
      if (received[0] !== 0) {
        fail(`the program at ${address} refused: ${received.toString('utf8', 4, messageEnd)}`);
        return;
      }
      clearTimeout(timer);
      socket.removeAllListeners();
      socket.pause();
      resolve({ socket, first: received.subarray(messageEnd) });
    });
  });
}
