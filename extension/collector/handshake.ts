// Owns the first 28 bytes of every connection: who may talk to the collector, and what a refused peer is told.
// Must not know what programs or viewers send afterwards. The token leaves this file in no message.
import { timingSafeEqual } from 'node:crypto';
import type { Socket } from 'node:net';
import {
  limits,
  preambleBytes,
  type Role,
  role,
  wireVersion,
} from '../../runtime-probe/protocol/typescript/index.ts';
import { writeAside } from './write-aside.ts';

/** A peer on this machine sends 28 bytes within a millisecond; 5 s forgive a machine that swaps. */
export const preambleTimeoutMs = 5000;
/** How long a refused peer may take to read why. */
const refusalLingerMs = 1000;

export type Verdict =
  | { readonly accepted: true; readonly role: Role }
  | { readonly accepted: false; readonly reason: string };

/** Judges a whole preamble. The token is compared, in constant time, before anything else is read. */
export function judgePreamble(preamble: Uint8Array, token: Uint8Array): Verdict {
  const tokenRight = timingSafeEqual(preamble.subarray(12, 12 + limits.tokenBytes), token);
  const head = Buffer.from(preamble.buffer, preamble.byteOffset, preamble.length);
  if (head.toString('latin1', 0, 8) !== 'WAKELINE')
    return refused(
      'this is no Wakeline connection: it does not begin with WAKELINE. Connect with a Wakeline probe',
    );
  if (!tokenRight)
    return refused(
      'the token is not this collector’s. Start the program again from this window, or set WAKELINE and WAKELINE_TOKEN anew',
    );
  const version = head.readUInt16LE(8);
  if (version > wireVersion)
    return refused(
      `the probe speaks wire version ${version}, this Wakeline up to ${wireVersion}. Update Wakeline`,
    );
  const asked = head[10];
  const known = [role.program, role.viewer].find((each) => each === asked);
  if (known === undefined) return refused(`${asked} is no role: 1 is a program, 2 a viewer. Update Wakeline`);
  return { accepted: true, role: known };
}

function refused(reason: string): Verdict {
  return { accepted: false, reason };
}

/** The reply to a preamble. */
export function encodeReply(accepted: boolean, message: string): Uint8Array {
  const text = Buffer.from(message);
  const reply = Buffer.alloc(4 + text.length);
  reply[0] = accepted ? 0 : 1;
  reply.writeUInt16LE(text.length, 2);
  text.copy(reply, 4);
  return reply;
}

/**
 * Reads the preamble of a new connection within its time, and calls exactly one of the two.
 * `rest` is what came behind the preamble. A refused socket is closed here, after its reply.
 */
export function readPreamble(
  socket: Socket,
  token: Uint8Array,
  onAccepted: (role: Role, rest: Uint8Array) => void,
  onRefused: (reason: string) => void,
): void {
  const preamble = Buffer.alloc(preambleBytes);
  let length = 0;
  const stop = (): void => {
    clearTimeout(timer);
    socket.off('data', onData).off('end', onEnd).off('error', onError);
  };
  const refuse = (reason: string): void => {
    stop();
    refuseSocket(socket, reason);
    onRefused(reason);
  };
  const onEnd = (): void =>
    refuse(`the connection ended after ${length} of ${preambleBytes} bytes of the preamble`);
  const onError = (error: Error): void => refuse(`the connection broke in the preamble: ${error.message}`);
  const onData = (bytes: Buffer): void => {
    const take = Math.min(preambleBytes - length, bytes.length);
    bytes.copy(preamble, length, 0, take);
    length += take;
    if (length < preambleBytes) return;
    const verdict = judgePreamble(preamble, token);
    if (!verdict.accepted) {
      refuse(verdict.reason);
      return;
    }
    stop();
    socket.pause();
    writeAside(socket, encodeReply(true, ''));
    onAccepted(verdict.role, bytes.subarray(take));
  };
  const timer = setTimeout(
    () => refuse(`no preamble within ${preambleTimeoutMs} ms (${length} of ${preambleBytes} bytes came)`),
    preambleTimeoutMs,
  );
  socket.on('data', onData).on('end', onEnd).on('error', onError);
}

/** Tells why, then closes. Reads and forgets for a moment, because unread bytes would make the close destroy the reply. */
export function refuseSocket(socket: Socket, reason: string): void {
  socket.on('error', () => socket.destroy());
  if (socket.destroyed) return;
  const linger = setTimeout(() => socket.destroy(), refusalLingerMs);
  socket.once('close', () => clearTimeout(linger));
  socket.resume();
  socket.end(encodeReply(false, reason));
  socket.once('end', () => socket.destroySoon());
}
