// Owns the proof that the harness works on this machine, apart from the extension that we ship.
// Run by hand:  npx tsx test/support/workbench/self-check.ts [screenshot folder]
// It goes through all that tests rely on: VSIX, lens, webview, pixels, log, themes, js-debug, lldb-dap, clean-up.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureSystemGroups } from '../../../tools/setup/system.mjs';
import { packLldbDapExtension } from '../lldb-dap-extension/pack.ts';
import { packExtension } from './pack-extension.ts';
import { familyMembers } from './process-family.ts';
import { withWorkbench } from './with-workbench.ts';
import type { Workbench } from './workbench.ts';

const FOLDER = path.dirname(fileURLToPath(import.meta.url));
const startedAtMs = Date.now();

function report(step: string): void {
  console.log(`${((Date.now() - startedAtMs) / 1000).toFixed(1).padStart(6)} s  ${step}`);
}

/** The one-based line that holds the comment "stop here". */
function stopLineOf(file: string): number {
  const index = readFileSync(file, 'utf8')
    .split('\n')
    .findIndex((line) => line.includes('// stop here'));
  assert.notEqual(index, -1, `${file} has no line with "// stop here"`);
  return index + 1;
}

async function checkExtension(workbench: Workbench): Promise<void> {
  await workbench
    .statusItem('wakeline-test.self-check.state')
    .filter({ hasText: 'self-check ready' })
    .waitFor();
  await workbench.codeLens('Open the panel').click();
  const webview = await workbench.webview('#self-check-square');
  await webview.locator('#self-check-square', { hasText: '144' }).waitFor();
  report('lens opened the webview; its number came from the extension host');

  const pixels = await workbench.pixelsOf(webview.locator('#self-check-canvas'));
  assert.deepEqual(pixels.at(50, 20), { red: 255, green: 128, blue: 0 });
  assert.equal(pixels.histogram().get('#ff8000'), 100 * 40);
  report(`canvas pixels read: ${pixels.widthPx} × ${pixels.heightPx}, 4000 of them orange`);

  assert.match(await workbench.logWith(/asked for the square of/), /\[info\] asked for the square of 12/);
  report('log file of the extension read');
}

async function checkDebugging(workbench: Workbench, project: string, fileName: string): Promise<void> {
  const line = stopLineOf(path.join(project, fileName));
  await workbench.focusEditorGroup(1);
  await workbench.openFile(fileName);
  await workbench.setBreakpoint(line);
  await workbench.startDebugging(`Run ${fileName}`);
  assert.deepEqual(await workbench.waitForStop(), { fileName, line });
  report(`${fileName} stopped at line ${line}`);
  await workbench.screenshot(`stopped-${fileName}`);
  await workbench.continueDebugging();
  await workbench.waitForDebugEnd();
  await workbench.debugOutput('answer 42').waitFor();
  report(`${fileName} went on, printed its answer and ended`);
}

async function main(): Promise<void> {
  ensureSystemGroups(['workbench', 'lldb', 'native']);
  const screenshotFolder = path.resolve(process.argv[2] ?? 'test-results/self-check');
  const temporaryFolder = mkdtempSync(path.join(os.tmpdir(), 'wl-check-'));
  try {
    const project = path.join(temporaryFolder, 'project');
    cpSync(path.join(FOLDER, 'self-check', 'project'), project, { recursive: true });
    execFileSync('rustc', ['-g', 'main.rs', '-o', 'main'], { cwd: project, stdio: 'inherit' });
    const vsixFile = path.join(temporaryFolder, 'self-check.vsix');
    await packExtension(path.join(FOLDER, 'self-check', 'extension'), vsixFile);
    const vsixFiles = [vsixFile, await packLldbDapExtension(temporaryFolder)];
    report('program built, extensions packed');

    const open = { folder: project, file: path.join(project, 'app.js') };
    const rootFolder = await withWorkbench({ vsixFiles, open, screenshotFolder }, async (workbench) => {
      report(`workbench open; server started in ${workbench.server.startMs} ms`);
      await checkExtension(workbench);
      await workbench.screenshot('dark');
      await workbench.setTheme('light');
      await workbench.screenshot('light');
      await workbench.setTheme('dark');
      report('light and dark pictures taken');
      await checkDebugging(workbench, project, 'app.js');
      await checkDebugging(workbench, project, 'main.rs');
      report(`memory of the server's processes: ${workbench.server.memoryMib()} MiB`);
      assert.deepEqual(workbench.foreignRequests, []);
      return workbench.server.rootFolder;
    });
    assert.deepEqual(familyMembers(rootFolder), []);
    assert.equal(existsSync(rootFolder), false);
    report('no process and no folder left; no request left this machine');
    console.log(`pictures: ${screenshotFolder}`);
  } finally {
    rmSync(temporaryFolder, { recursive: true, force: true });
  }
}

await main();
