// Owns what is told of a span that the program opened itself: how long, where, and what its task did meanwhile.
// Knows nothing of lanes' order.
import { spanState } from '../../messages/lanes.ts';
import { formatDuration } from '../format.ts';
import { firstEndingAfter } from '../model/disjoint-spans.ts';
import type { Section, SectionRow } from '../model/sections.ts';
import { siteOf, taskName, textOf } from './names.ts';
import { listText } from './operations.ts';
import { idleWords, type Summed } from './summaries.ts';
import type { Told } from './told.ts';
import { sentenceCase, step } from './wake-chain.ts';

export function explainSection(view: Summed, row: SectionRow, atNs: number): Told | null {
  const { model } = view;
  const { spans } = row;
  const task = model.task(row.task);
  const nowNs = task === undefined ? view.endNs : view.sums.lifetimeOf(task).toNs;
  let index = firstEndingAfter(spans, atNs, nowNs);
  if (index === spans.count && index > 0 && spans.isOpen(index - 1)) index--;
  const section = row.sections[index];
  if (section === undefined || section.startNs > atNs) return null;
  const fromNs = section.startNs;
  const toNs = spans.endOf(index, nowNs);
  const unclosed = spans.isOpen(index);
  const open = unclosed && toNs >= view.endNs;
  const name = `“${textOf(model, section.name)}”`;
  const of = row.task === 0 ? '' : ` of ${taskName(model, row.task)}`;
  const lasted = `${open ? 'has lasted' : 'lasted'} ${formatDuration(toNs - fromNs)}`;
  const ended = unclosed && !open ? ' Its end was not recorded; it ends with its task.' : '';
  const did = task === undefined ? '; it began outside of any task' : doneText(view, row, fromNs, toNs);
  const at = { site: siteOf(model, section.site) };
  const { lane } = row;
  return {
    state: spanState.section,
    fromNs,
    toNs,
    open,
    sentence: `The span ${name}${of} ${lasted}${did}.${ended}`,
    certainty: 'recorded',
    site: at.site,
    steps: [
      step('poll', fromNs, `${sentenceCase(name)} began`, task?.lane ?? lane, at),
      ...(unclosed ? [] : [step('poll', toNs, `${sentenceCase(name)} ended`, task?.lane ?? lane)]),
    ],
  };
}

/** ": meanwhile the task ran 2 ms, stood 1 ms in the queue and waited 7 ms (timer 5 ms, source 2 ms)". */
function doneText(view: Summed, row: Pick<Section, 'task'>, fromNs: number, toNs: number): string {
  const task = view.model.task(row.task);
  if (task === undefined) return '';
  const before = view.sums.timesBefore(task, fromNs);
  const times = view.sums.timesBefore(task, toNs).map((ns, state) => ns - (before[state] as number));
  const waits = idleWords
    .map(([state, word]) => ({ word, ns: times[state] as number }))
    .filter((wait) => wait.ns > 0);
  const waitedNs = waits.reduce((sum, wait) => sum + wait.ns, 0);
  const parts: string[] = [];
  const add = (ns: number, text: string) => {
    if (ns > 0) parts.push(text);
  };
  const running = times[spanState.running] as number;
  const scheduled = times[spanState.scheduled] as number;
  const gap = times[spanState.gap] as number;
  add(running, `ran ${formatDuration(running)}`);
  add(scheduled, `stood ${formatDuration(scheduled)} in the queue`);
  const on = waits.map((wait) => `${wait.word} ${formatDuration(wait.ns)}`).join(', ');
  add(waitedNs, `waited ${formatDuration(waitedNs)} (${on})`);
  add(gap, `did what was not recorded for ${formatDuration(gap)}`);
  return parts.length === 0 ? '' : `: meanwhile the task ${listText(parts)}`;
}
