// Owns the words of a hover over a line at which tasks wait: pure, from what the trace knows of the line.
import { chainText } from '../messages/await-text.ts';
import type { SiteSpans } from '../messages/queries.ts';
import type { LineQuery } from '../messages/server.ts';
import { formatCount, formatDuration, formatQuantity } from '../trace/format.ts';

/** Tasks that are named, of those that wait now. */
const namedTasks = 4;

/** Markdown with one link, to the timeline; undefined where no task has waited at the line. */
export function hoverText(facts: SiteSpans, { uri, line }: LineQuery): string | undefined {
  if (facts.waitTotal === 0 || facts.waits.length === 0) return undefined;
  const lines = [[waitingText(facts.waitingNow), totalText(facts)].filter((text) => text !== '').join(' · ')];
  const chains = facts.chains.filter(({ frames }) => frames.length > 0);
  if (chains.length > 0)
    lines.push(
      ['```text', ...chains.map(({ waits, frames }) => chainLine(waits, chainText(frames))), '```'].join(
        '\n',
      ),
    );
  const link = `command:wakeline.showLine?${encodeURIComponent(JSON.stringify([uri, line]))}`;
  lines.push(`[Show these waits in the timeline](${link})`);
  return lines.join('\n\n');
}

function waitingText(tasks: readonly string[]): string {
  if (tasks.length === 0) return '';
  const named = tasks.slice(0, namedTasks).map(code);
  const more = tasks.length > named.length ? ', …' : '';
  return `**${formatQuantity(tasks.length, 'task waits', 'tasks wait')} here now** (${named.join(', ')}${more})`;
}

/** Sums are over the newest waits: of a line that is waited at without end only these are known one by one. */
function totalText({ waits, waitTotal }: SiteSpans): string {
  const lengths = waits.map(({ fromNs, toNs }) => toNs - fromNs);
  const sum = formatDuration(lengths.reduce((total, each) => total + each, 0));
  const longest = formatDuration(Math.max(...lengths));
  const all = formatQuantity(waitTotal, 'wait');
  if (waits.length < waitTotal)
    return `${all}; the last ${formatCount(waits.length)} took ${sum}, the longest ${longest}`;
  return waitTotal === 1 ? `${all}, ${sum}` : `${all}, ${sum} in all, the longest ${longest}`;
}

function chainLine(waits: number, chain: string): string {
  return `${plain(chain)}${waits > 1 ? `   × ${formatCount(waits)}` : ''}`;
}

/** Names come from the program: none may end the text around it. */
function plain(text: string): string {
  return text.replace(/[`\r\n]/g, ' ');
}

function code(text: string): string {
  return `\`${plain(text)}\``;
}
