// Owns who passes the handshake. The sockets around it are tested in test/integration/collector.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeReply, judgePreamble } from '../../../extension/collector/handshake.ts';
import { encodePreamble, role } from '../../../runtime-probe/protocol/typescript/index.ts';

const tokenText = '00112233445566778899aabbccddeeff';
const token = Buffer.from(tokenText, 'hex');

function check(change: (preamble: Uint8Array) => void, expected: RegExp | 1 | 2): void {
  const preamble = encodePreamble(role.program, tokenText);
  change(preamble);
  const verdict = judgePreamble(preamble, token);
  if (expected instanceof RegExp) {
    assert.ok(!verdict.accepted);
    assert.match(verdict.reason, expected);
    assert.ok(!verdict.reason.includes(tokenText));
  } else assert.deepEqual(verdict, { accepted: true, role: expected });
}

test('the right token passes, as what it says it is', () => {
  check(() => {}, 1);
  check((p) => p.set([2], 10), 2);
});

test('one wrong bit of the token is refused, wherever it is', () => {
  for (let bit = 0; bit < 128; bit++)
    check((p) => {
      p[12 + (bit >> 3)] = (p[12 + (bit >> 3)] as number) ^ (1 << (bit & 7));
    }, /token is not this collector/);
});

test('garbage, a newer version and an unknown role are told apart', () => {
  check((p) => p.fill(0x47), /does not begin with WAKELINE/);
  check((p) => p.set([2, 0], 8), /wire version 2, this Wakeline up to 1/);
  check((p) => p.set([3], 10), /3 is no role/);
});

test('a reply says its status and its message', () => {
  assert.deepEqual([...encodeReply(true, '')], [0, 0, 0, 0]);
  const refusal = Buffer.from(encodeReply(false, 'né'));
  assert.equal(refusal[0], 1);
  assert.equal(refusal.readUInt16LE(2), 3);
  assert.equal(refusal.toString('utf8', 4), 'né');
});
