// Owns how places and chains of awaits are written in one line, for sentences, the pointer and the editor alike.
// Pure; knows nothing of traces or of how a text is shown.
import type { SourceSite } from './lanes.ts';

/** Levels of a chain that one line names: more would not be read. */
const namedLevels = 7;

/** Sources that are not the program's own: crates of a registry or a git repository, and the standard library. */
const librarySource = /[\\/](?:registry[\\/]src|git[\\/]checkouts|rustc|rustlib|node_modules)[\\/]/;
/** Macros whose own lines stand in the debug information in place of those where they are used. */
const macroSource = /[\\/]src[\\/]macros[\\/](\w+)\.rs$/;
/** What only wraps a function says less than the function that uses it. */
const wrapper = /^(?:core|std|alloc)::/;

/** Whether a place lies in code that the program only uses, macros included. */
export function isLibrary(site: SourceSite): boolean {
  return librarySource.test(site.file);
}

/** The macro on whose own line a place lies, such as `join`; undefined for a line of plain code. */
export function macroOf(site: SourceSite): string | undefined {
  return macroSource.exec(site.file)?.[1];
}

/** "read_frame" of "app::read_frame", "ReadExact<TcpStream>" of a name with paths inside. */
export function shortName(functionName: string): string {
  return functionName.replace(/(?:\w+::)+(?=\w)/g, '');
}

/** "main.rs" */
export function fileName(path: string): string {
  return path.split(/[\\/]/).pop() ?? path;
}

/** "read_frame (main.rs:7)", "both (in join!)" where the line is the macro's, "ReadExact" where no line is known. */
export function placeText(site: SourceSite): string {
  const name = shortName(site.functionName);
  const where = site.line === 0 ? '' : lineText(site);
  if (name === '') return where;
  return where === '' ? name : `${name} (${where})`;
}

function lineText(site: SourceSite): string {
  const macro = macroOf(site);
  return macro === undefined ? `${fileName(site.file)}:${site.line}` : `in ${macro}!`;
}

/** The frames without those that only wrap the function around them; all where nothing else is there. */
function tellingFrames(frames: readonly SourceSite[]): readonly SourceSite[] {
  const telling = frames.filter((frame) => !wrapper.test(frame.functionName));
  return telling.length === 0 ? frames : telling;
}

/** What is awaited at last: a future of which no line is known, or a function that is not the program's own. */
export function awaitedName(frames: readonly SourceSite[]): string {
  const [innermost] = tellingFrames(frames);
  if (innermost === undefined) return '';
  return innermost.line === 0 || isLibrary(innermost) ? innermost.functionName : '';
}

/**
 * A chain from the task's own function inwards, as it is told to people: "handle main.rs:11 → read_frame main.rs:7 →
 * ReadExact". Frames stand innermost first, as in an explanation's stack. Lines of libraries are left out.
 */
export function chainText(frames: readonly SourceSite[]): string {
  const levels = [...tellingFrames(frames)].reverse().map((frame) => {
    const name = shortName(frame.functionName);
    if (frame.line === 0 || (isLibrary(frame) && macroOf(frame) === undefined)) return name;
    return name === '' ? lineText(frame) : `${name} ${lineText(frame)}`;
  });
  // The ends tell most: where the task began, and what is awaited.
  const cut = levels.length - namedLevels;
  const shown = cut <= 0 ? levels : [...levels.slice(0, 3), '…', ...levels.slice(-(namedLevels - 3))];
  return shown.filter((level) => level !== '').join(' → ');
}
