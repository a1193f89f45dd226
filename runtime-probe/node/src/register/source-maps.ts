// Owns the way from a position in what runs to the position in what the user wrote.
// Knows nothing of promises. Called once for each place of the code, never again.
import { readFileSync, statSync } from 'node:fs';
import { findSourceMap, SourceMap } from 'node:module';
import { dirname, isAbsolute, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Site } from '../executor/site.ts';

/**
 * A larger map is not read where Node has not read it itself: the program's thread does it, at 5 to 10 ms a megabyte
 * (Node 20 and 24), once for each file.
 */
const longestMapBytes = 1024 * 1024;
const longestFileBytes = 8 * 1024 * 1024;
const comment = '//# sourceMappingURL=';

interface ReadMap {
  readonly map: SourceMap;
  /** What the names of sources are relative to. */
  readonly folder: string;
}

const maps = new Map<string, ReadMap | undefined>();

/** The site of a position. Line and column count from 1. */
export function toSource(rawFile: string, line: number, column: number, functionName: string): Site {
  const file = toPath(rawFile);
  const mapped = rawFile.startsWith('node:') ? undefined : mappedBy(rawFile, file, line, column);
  return mapped === undefined ? { file, line, column, functionName } : { ...mapped, functionName };
}

function mappedBy(rawFile: string, path: string, line: number, column: number) {
  // Node knows a file's map where source maps are on (--enable-source-maps, or a loader that turns them on).
  const known = findSourceMap(rawFile) ?? findSourceMap(path);
  const own = known === undefined ? ownMapOf(path) : undefined;
  const entry = (known ?? own?.map)?.findEntry(line - 1, column - 1);
  if (entry === undefined || !('originalSource' in entry)) return undefined;
  const source = toPath(entry.originalSource);
  const file = isAbsolute(source) ? source : resolve(own?.folder ?? dirname(path), source);
  return { file, line: entry.originalLine + 1, column: entry.originalColumn + 1 };
}

/** The map that a compiler left beside the file, or in it. */
function ownMapOf(path: string): ReadMap | undefined {
  if (maps.has(path)) return maps.get(path);
  let found: ReadMap | undefined;
  try {
    if (isAbsolute(path) && statSync(path).size <= longestFileBytes) found = readMap(path);
  } catch {
    // No such file, or not a map: then the position in what runs is what can be told.
  }
  maps.set(path, found);
  return found;
}

function readMap(path: string): ReadMap | undefined {
  const text = readFileSync(path, 'utf8');
  const at = text.lastIndexOf(comment);
  const name = at < 0 ? '' : (text.slice(at + comment.length).split(/\s/, 1)[0] ?? '');
  if (name === '' || name.length > longestMapBytes) return undefined;
  if (name.startsWith('data:')) {
    const encoded = name.slice(name.indexOf(',') + 1);
    return parseMap(Buffer.from(encoded, 'base64').toString(), dirname(path));
  }
  const mapPath = resolve(dirname(path), decodeURIComponent(name));
  if (statSync(mapPath).size > longestMapBytes) return undefined;
  return parseMap(readFileSync(mapPath, 'utf8'), dirname(mapPath));
}

function parseMap(text: string, relativeTo: string): ReadMap {
  const payload = JSON.parse(text);
  const root: unknown = payload.sourceRoot;
  return { map: new SourceMap(payload), folder: resolve(relativeTo, typeof root === 'string' ? root : '') };
}

/** Loaders may name a module by URL and add a query to it; the viewer wants the plain path. */
function toPath(file: string): string {
  if (!file.startsWith('file:')) return file;
  try {
    const url = new URL(file);
    url.search = '';
    url.hash = '';
    return fileURLToPath(url);
  } catch {
    return file;
  }
}
