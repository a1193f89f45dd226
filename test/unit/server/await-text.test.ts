// Places and chains of awaits in one line.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { awaitedName, chainText, placeText, shortName } from '../../../extension/messages/await-text.ts';

const registry = '/home/me/.cargo/registry/src/index-0/tokio-1.54.1/src';
const place = (functionName: string, line = 0, file = '/app/src/main.rs') => ({
  file,
  line,
  column: 0,
  functionName,
});

test('names lose their paths, also inside of generics and before closures', () => {
  const names = [
    'app::read_frame',
    'tokio::io::ReadExact<tokio::net::TcpStream>',
    'client::{async_fn#0}',
    '',
  ];
  assert.deepEqual(names.map(shortName), ['read_frame', 'ReadExact<TcpStream>', 'client::{async_fn#0}', '']);
});

test('a place is function and line, or the macro whose line it is', () => {
  assert.equal(placeText(place('app::handle', 11)), 'handle (main.rs:11)');
  assert.equal(placeText(place('', 11)), 'main.rs:11');
  assert.equal(placeText(place('app::both', 207, `${registry}/macros/join.rs`)), 'both (in join!)');
  assert.equal(placeText(place('tokio::time::sleep::Sleep')), 'Sleep');
});

test('a chain reads inwards; lines of libraries and what only wraps are left out', () => {
  const frames = [
    place('core::future::poll_fn::PollFn'),
    place('tokio::net::tcp::stream::connect', 127, `${registry}/net/tcp/stream.rs`),
    place('app::client', 103),
  ];
  assert.equal(chainText(frames), 'client main.rs:103 → connect');
  assert.equal(awaitedName(frames), 'tokio::net::tcp::stream::connect');
  assert.equal(chainText(frames.slice(0, 1)), 'PollFn');
  assert.equal(awaitedName(frames.slice(2)), '');
});

test('of a long chain both ends are told', () => {
  const frames = Array.from({ length: 12 }, (_, level) => place(`app::f${level}`, level + 1));
  assert.equal(
    chainText(frames),
    'f11 main.rs:12 → f10 main.rs:11 → f9 main.rs:10 → … → f3 main.rs:4 → f2 main.rs:3 → f1 main.rs:2 → f0 main.rs:1',
  );
});
