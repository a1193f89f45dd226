// Owns which Node versions are recorded, and what the others are told. Knows nothing of how it is recorded.
// Runs on any Node, so nothing of Node's own is imported here.

const oldestMajor = 20;
const newestMajor = 26;
/** Before 20.11 no thread reaches the main thread's inspector, which scheduling breakpoints and long polls need. */
const oldestMinors: Readonly<Record<number, number>> = { 20: 11, 21: 7 };

/** What a program is told that runs on something else; undefined where it is recorded. Takes process.versions. */
export function refusal(versions: Readonly<Record<string, string | undefined>>): string | undefined {
  const [major = Number.NaN, minor = 0] = (versions['node'] ?? '').split('.').map(Number);
  const isImitation =
    versions['bun'] !== undefined || versions['deno'] !== undefined || versions['electron'] !== undefined;
  const isTested = major >= oldestMajor && major <= newestMajor && minor >= (oldestMinors[major] ?? 0);
  if (isTested && !isImitation) return undefined;
  const where = isImitation ? 'runtimes that only resemble Node' : `Node ${versions['node']}`;
  return `wakeline/register was tested on Node ${oldestMajor}.${oldestMinors[oldestMajor]} to ${newestMajor} and does nothing on ${where}; the program runs as without it`;
}
