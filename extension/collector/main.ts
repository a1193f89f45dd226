// Owns the collector as a process: reads its settings, starts it, says where it listens, ends it on signals.
// Must not know what travels. The token is in no argument, no output and no log.
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Collector } from './collector.ts';
import { dumpRecording } from './dump.ts';
import { ensurePrivateFolder, SettingsError } from './endpoint.ts';
import { Log } from './log.ts';
import { RecordingError } from './replay.ts';
import { type CollectCommand, checkToken, makeToken, parseCommand, usage } from './settings.ts';

/** Idle time of a collector that somebody else started, and would not think of ending. */
const startedIdleTimeoutMs = 60_000;

async function main(): Promise<number> {
  const command = parseCommand(process.argv.slice(2), process.env);
  if (command.command === 'help') process.stdout.write(usage);
  else if (command.command === 'dump') await dump(command.recording);
  else await collect(command);
  return 0;
}

async function dump(recording: string): Promise<void> {
  const log = new Log([], (line) => process.stderr.write(line));
  process.stdout.write(`${await dumpRecording(recording, log)}\n`);
}

async function collect(command: CollectCommand): Promise<void> {
  const given = await givenToken(command.tokenFromStdin);
  const token = given ?? makeToken();
  // Whoever reads stderr may go: the collector's work does not depend on being heard.
  process.stdout.on('error', () => {});
  process.stderr.on('error', () => {});
  const log = new Log([token], (line) => process.stderr.write(line));
  const settings = {
    ...command.settings,
    token,
    idleTimeoutMs: command.idleTimeoutMs ?? (given === undefined ? 0 : startedIdleTimeoutMs),
  };
  const collector = await Collector.start(settings, log);
  let tokenFile: string | undefined;
  if (given === undefined) tokenFile = explain(command, collector, token);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(signal, () => void collector.close(`signal ${signal}`));
  process.on('uncaughtException', (error) => {
    log.error(`the collector failed and ends: ${error.stack ?? error.message}`);
    process.exitCode = 1;
    void collector.close('failure');
  });
  const greeting = { endpoint: collector.endpoint, pid: process.pid };
  process.stdout.write(`${JSON.stringify(greeting)}\n`);
  // Forked with a channel: the parent may read the greeting there, and may go without ending this process.
  process.send?.(greeting);
  process.channel?.unref();
  await collector.ended;
  if (tokenFile !== undefined) rmSync(tokenFile, { force: true });
}

/** Undefined when nobody gave one. The environment's copy is removed, so that nothing started from here inherits it. */
async function givenToken(fromStdin: boolean): Promise<string | undefined> {
  const fromEnvironment = process.env['WAKELINE_TOKEN'];
  delete process.env['WAKELINE_TOKEN'];
  if (fromStdin) return checkToken(await firstLineOfStdin());
  return fromEnvironment === undefined ? undefined : checkToken(fromEnvironment);
}

async function firstLineOfStdin(): Promise<string> {
  const lines = createInterface({ input: process.stdin });
  for await (const line of lines) {
    lines.close();
    // The parent may keep its end open; that must not keep this process alive.
    process.stdin.destroy();
    return line;
  }
  throw new SettingsError('--token-stdin was given, but standard input ended without a line');
}

/** For a person at a terminal: how to connect a program, without showing the token. Answers the token's file. */
function explain(command: CollectCommand, collector: Collector, token: string): string {
  const { folder, name } = command.settings;
  ensurePrivateFolder(folder);
  const tokenFile = join(folder, `${name}.token`);
  writeFileSync(tokenFile, `${token}\n`, { mode: 0o600 });
  process.stderr.write(
    `To trace a program that has a Wakeline probe, start it in a shell where this was run:\n` +
      `  export WAKELINE='${collector.endpoint}' WAKELINE_TOKEN="$(cat '${tokenFile}')"\n` +
      `Recordings: ${command.settings.recordingsFolder}\nCtrl-C ends the collector.\n`,
  );
  return tokenFile;
}

main().then(
  (code) => {
    process.exitCode ||= code;
    process.stdout.write('', () => process.exit());
  },
  (error: unknown) => {
    const isExpected = error instanceof SettingsError || error instanceof RecordingError;
    const text = error instanceof Error ? (isExpected ? error.message : error.stack) : String(error);
    process.stderr.write(`wakeline: ${text}\n`, () => process.exit(1));
  },
);
