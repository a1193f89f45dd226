// Owns the little server of the page: bundles the view and the page's host, and serves them on the loopback under the
// policy that the editor's webview has (but for fetching recordings). `npx tsx serve.ts [recording…]` runs until Ctrl-C.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { type PageThemeName, pageThemes, themeSheet } from './themes.ts';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..', '..');

const vectors = join(root, 'runtime-probe', 'protocol', 'vectors');

export interface PageServer {
  /** Address of the page with the given settings, e.g. `tasks=100&theme=light`. */
  readonly url: (settings?: string) => string;
  readonly close: () => Promise<void>;
}

async function bundle(): Promise<ReadonlyMap<string, Uint8Array>> {
  const { outputFiles } = await build({
    bundle: true,
    write: false,
    format: 'iife',
    platform: 'browser',
    target: 'es2022',
    sourcemap: 'inline',
    absWorkingDir: root,
    outdir: '/',
    entryPoints: [
      { in: 'webview/main.ts', out: 'webview' },
      { in: 'test/support/webview-page/page.ts', out: 'page' },
    ],
  });
  return new Map(outputFiles.map((file) => [file.path, file.contents]));
}

function html(theme: PageThemeName, nonce: string): string {
  const policy = `default-src 'none'; script-src 'nonce-${nonce}'; style-src 'self'; img-src 'self' data:; connect-src 'self'`;
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<title>Wakeline</title>
<link rel="stylesheet" href="/theme-${theme}.css">
<link rel="stylesheet" href="/webview.css">
</head>
<body class="${pageThemes[theme].bodyClass}">
<main id="root"></main>
<script nonce="${nonce}" src="/page.js"></script>
<script nonce="${nonce}" src="/webview.js"></script>
</body>
</html>`;
}

const types: Readonly<Record<string, string>> = { js: 'text/javascript', css: 'text/css' };

function isTheme(name: string | null | undefined): name is PageThemeName {
  return name !== null && name !== undefined && Object.hasOwn(pageThemes, name);
}

/** `recordings`: files that the page may show, by their base names, beside the golden ones. */
export async function servePage(recordings: readonly string[] = [], port = 0): Promise<PageServer> {
  const files = await bundle();
  const paths = new Map(recordings.map((path) => [basename(path), path]));
  const server = createServer((request, response) => {
    const address = new URL(request.url ?? '/', 'http://127.0.0.1');
    if (address.pathname === '/') {
      const theme = address.searchParams.get('theme');
      response.setHeader('content-type', 'text/html');
      response.end(html(isTheme(theme) ? theme : 'dark', 'page'));
      return;
    }
    const theme = /^\/theme-(\w+)\.css$/.exec(address.pathname)?.[1];
    const recording = /^\/recordings\/([\w.-]+\.wakeline)$/.exec(address.pathname)?.[1];
    const body =
      recording !== undefined
        ? readFileSync(paths.get(recording) ?? join(vectors, recording))
        : isTheme(theme)
          ? themeSheet(theme)
          : files.get(address.pathname);
    response.setHeader('content-type', types[address.pathname.split('.').pop() ?? ''] ?? 'text/plain');
    response.statusCode = body === undefined ? 404 : 200;
    response.end(body);
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  return {
    url: (settings = '') => `${base}?${settings}`,
    close: () =>
      new Promise((resolve, reject) => {
        server.closeAllConnections();
        server.close((error) => (error === undefined ? resolve() : reject(error)));
      }),
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const recordings = process.argv.slice(2);
  const page = await servePage(recordings);
  for (const each of recordings) console.log(page.url(`recording=${basename(each)}`));
  console.log(page.url('tasks=100&theme=dark'));
}
