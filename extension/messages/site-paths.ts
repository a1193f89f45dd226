// Owns finding which document a site's path means: sites carry paths as compilers and runtimes print them.
// Pure text: it knows nothing of disks or editors, so the host must still look whether a candidate exists.

/** What a session says of where its relative paths start. */
export interface SiteRoots {
  /** Empty when not known. */
  readonly sourceRoot: string;
  readonly workingFolder: string;
}

/**
 * One way to write a path: forward slashes, `.` and `..` resolved, file URLs turned into paths, drive letters small.
 * A relative path stays relative, and one that climbs out of its start keeps its leading `..`.
 */
export function normalizePath(path: string): string {
  let plain = path.startsWith('file://') ? pathOfFileUrl(path) : path;
  plain = plain.replaceAll('\\', '/').replace(/^[A-Z]:/, (drive) => drive.toLowerCase());
  const drive = /^[a-z]:/.exec(plain)?.[0] ?? '';
  const rest = plain.slice(drive.length);
  const absolute = rest.startsWith('/');
  const segments: string[] = [];
  for (const segment of rest.split('/')) {
    if (segment === '' || segment === '.') continue;
    if (segment !== '..') segments.push(segment);
    else if (segments.length > 0 && segments.at(-1) !== '..') segments.pop();
    else if (!absolute) segments.push('..');
  }
  return drive + (absolute ? '/' : '') + segments.join('/');
}

/** The path part; a URL that cannot be decoded stays as it is, which then matches nothing. */
function pathOfFileUrl(url: string): string {
  const path = url.slice('file://'.length).replace(/^localhost(?=\/)/, '');
  try {
    return decodeURIComponent(path).replace(/^\/(?=[A-Za-z]:)/, '');
  } catch {
    return path;
  }
}

export function isAbsolutePath(normalized: string): boolean {
  return /^(?:[a-z]:)?\//.test(normalized);
}

/** The folder itself and all above it, nearest first. */
function folderAndParents(folder: string): string[] {
  const found: string[] = [];
  let current = normalizePath(folder);
  while (isAbsolutePath(current)) {
    found.push(current);
    const parent = normalizePath(`${current}/..`);
    if (parent === current) break;
    current = parent;
  }
  return found;
}

/**
 * Absolute paths that a site can mean, likeliest first: itself when absolute, else below the source root, the
 * working folder, and the parents of both (cargo prints paths of workspace members relative to the workspace's root,
 * which is a parent of the member's own folder).
 */
export function candidatePaths(sitePath: string, roots: SiteRoots): string[] {
  const site = normalizePath(sitePath);
  if (site === '') return [];
  if (isAbsolutePath(site)) return [site];
  const source = folderAndParents(roots.sourceRoot);
  const working = folderAndParents(roots.workingFolder);
  const folders = [...source.slice(0, 1), ...working.slice(0, 1), ...source.slice(1), ...working.slice(1)];
  return [...new Set(folders.map((folder) => normalizePath(`${folder}/${site}`)))];
}

/** Trailing segments that an absolute path from elsewhere must share: `crate/src/main.rs`, not just `src/main.rs`. */
const leastSharedSegments = 3;

/**
 * Whether a document is the one that a site names.
 * Where no candidate is equal, a document outside the session's own folders (a recording from another machine, a
 * container's path) matches by its end; inside them the candidates are the whole truth, and ends would mix up the
 * `src/main.rs` of two crates.
 */
export function siteMatchesDocument(documentPath: string, sitePath: string, roots: SiteRoots): boolean {
  const document = normalizePath(documentPath);
  const site = normalizePath(sitePath);
  if (site === '' || document === '') return false;
  if (candidatePaths(site, roots).includes(document)) return true;
  if (isInside(document, roots.sourceRoot) || isInside(document, roots.workingFolder)) return false;
  if (!isAbsolutePath(site))
    return site.includes('/') && document.endsWith(`/${site.replace(/^(\.\.\/)+/, '')}`);
  return sharedEnd(document, site) >= leastSharedSegments;
}

function isInside(document: string, folder: string): boolean {
  const root = normalizePath(folder);
  return isAbsolutePath(root) && document.startsWith(root.endsWith('/') ? root : `${root}/`);
}

function sharedEnd(a: string, b: string): number {
  const left = a.split('/').filter((segment) => segment !== '');
  const right = b.split('/').filter((segment) => segment !== '');
  let shared = 0;
  while (shared < Math.min(left.length, right.length) && left.at(-1 - shared) === right.at(-1 - shared))
    shared++;
  return shared;
}
