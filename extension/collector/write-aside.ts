// Owns writing a few bytes to a socket in such a way that a failure does not end reading from it.
// Must not know what the bytes are.
import { writeSync } from 'node:fs';
import type { Socket } from 'node:net';

/**
 * A program that runs for a few milliseconds has sent everything and closed before its preamble is answered.
 * `Socket.write` would then fail with EPIPE and destroy the socket, and with it all that was sent and not read yet;
 * so these bytes go to the descriptor itself. They are few enough to fit the buffer of a socket that is read.
 * False when they were not taken whole.
 */
export function writeAside(socket: Socket, bytes: Uint8Array): boolean {
  // Not public, but there since Node 0.x; where it is missing (Windows) the ordinary way has to do.
  const descriptor = (socket as unknown as { _handle?: { fd?: number } })._handle?.fd;
  if (descriptor === undefined || descriptor < 0) return !socket.destroyed && socket.write(bytes);
  try {
    return writeSync(descriptor, bytes) === bytes.length;
  } catch {
    // EPIPE: the peer has gone. EAGAIN: it does not read.
    return false;
  }
}
