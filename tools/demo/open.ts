// Owns opening a VS Code for a person: the desktop one with throw-away settings and extensions, or a workbench whose
// URL is printed. Nothing of the user's own VS Code is touched.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { serveUntilInterrupted } from '../../test/support/workbench/server.ts';
import { findProgram } from '../setup/system.mjs';
import { root } from '../steps.mjs';
import type { DemoParts } from './build.ts';
import type { Example } from './examples.ts';

export const examplesFolder = join(root, 'runtime-probe/examples');

/** Settings of a demo window: the one example starts by itself, nothing else asks for attention. */
export function demoSettings(example: Example | undefined): Record<string, unknown> {
  return {
    'wakelineDemo.start': example?.name ?? '',
    'wakelineDemo.file': example?.file ?? '',
    'wakelineDemo.line': example?.line ?? '',
    'security.workspace.trust.enabled': false,
    'workbench.startupEditor': 'none',
    'debug.internalConsoleOptions': 'neverOpen',
    'debug.openDebug': 'neverOpen',
  };
}

/** The desktop VS Code's command, when it is on PATH. */
export function desktopCommand(): string | undefined {
  return findProgram(['code']);
}

export function openDesktop(command: string, parts: DemoParts, example: Example): void {
  const folder = mkdtempSync(join(tmpdir(), 'wakeline-demo-'));
  const user = join(folder, 'data/User');
  mkdirSync(user, { recursive: true });
  writeFileSync(join(user, 'settings.json'), JSON.stringify(demoSettings(example), null, 2));
  const own = ['--user-data-dir', join(folder, 'data'), '--extensions-dir', join(folder, 'extensions')];
  const install = Object.values(parts).flatMap((file) => ['--install-extension', file as string]);
  execFileSync(command, [...own, ...install], { stdio: 'inherit' });
  execFileSync(command, [...own, '--new-window', examplesFolder], { stdio: 'inherit' });
  console.log(
    `VS Code is open on ${examplesFolder}; its settings are in ${folder}, which you may delete afterwards.`,
  );
}

export async function openInBrowser(parts: DemoParts, example: Example): Promise<void> {
  const vsixFiles = Object.values(parts) as string[];
  await serveUntilInterrupted({ vsixFiles, settings: demoSettings(example) }, (server) => {
    console.log(
      `\nOpen this in a browser; "${example.name}" starts by itself, its lanes appear beside the source:\n`,
    );
    console.log(`  ${server.urlFor({ folder: examplesFolder })}\n\nCtrl-C ends it.`);
  });
}
