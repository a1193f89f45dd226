// Owns what is told of a frame: which call it is, where it waited, for what, and who called it.
// Knows nothing of lanes' order.
import { causeKind, endOutcome } from '../../../runtime-probe/protocol/typescript/index.ts';
import { type SourceSite, spanState } from '../../messages/lanes.ts';
import type { ExplanationStack, ExplanationStep } from '../../messages/queries.ts';
import { formatDuration } from '../format.ts';
import type { Frame, FrameSegment, Rejection } from '../model/frame.ts';
import type { FrameRow } from '../model/frame-rows.ts';
import { callName, causeName, placeText, siteOf, taskName, textOf } from './names.ts';
import type { Summed } from './summaries.ts';
import type { Told } from './told.ts';
import { step } from './wake-chain.ts';

export function explainFrame(view: Summed, row: FrameRow, atNs: number): Told | null {
  const { model } = view;
  const frame = row.frames[row.firstEndingAfter(atNs)];
  if (frame === undefined || frame.openNs > atNs) return null;
  const task = model.task(frame.task);
  const nowNs = task === undefined ? view.endNs : view.sums.lifetimeOf(task).toNs;
  let at: FrameSegment | undefined;
  frame.walk(nowNs, (segment) => {
    at = segment;
    return segment.toNs > atNs;
  });
  if (at === undefined) return null;
  const site = siteOf(model, at.wait === undefined ? frame.site : at.wait.site);
  return {
    state: at.state,
    fromNs: at.fromNs,
    toNs: at.toNs,
    open: at.open && at.toNs >= view.endNs,
    sentence: sentenceOf(view, frame, at, site),
    certainty: at.state === spanState.idleUnknown ? 'unknown' : 'recorded',
    site,
    steps: stepsOf(view, frame, at, site, row.folded),
    stacks: chainOf(view, frame, at, nowNs),
  };
}

function sentenceOf(view: Summed, frame: Frame, at: FrameSegment, site: SourceSite | null): string {
  const { model } = view;
  // A function's name keeps its letters.
  const name = callName(model, frame.id);
  const long = formatDuration(at.toNs - at.fromNs);
  const of = ` of ${taskName(model, frame.task)}`;
  if (at.state === spanState.running) return `${name}${of} ran ${long}.`;
  const where = placeText(site);
  if (at.state === spanState.scheduled)
    return `${name}${of} stood ${long} in the microtask queue${where}: what it awaits was ${settledWord(view, at)}.`;
  const kind = at.causeKind === causeKind.unknown ? (at.wait?.onKind ?? 0) : at.causeKind;
  const id = at.causeKind === causeKind.unknown ? (at.wait?.onId ?? 0) : at.causeId;
  const on = kind === causeKind.unknown ? 'something that nobody has settled' : causeName(model, kind, id);
  if (!at.open) return `${name}${of} waited ${long}${where} on ${on}${thrownText(view, at)}.`;
  const still = at.toNs >= view.endNs ? 'has waited' : 'waited, and was never settled,';
  return `${name}${of} ${still} ${long}${where} on ${on}.`;
}

/** What became of what was awaited, where it was an error. */
function rejectionOf(view: Summed, at: FrameSegment): Rejection | undefined {
  if (at.rejection !== undefined || at.wait?.onKind !== causeKind.frame) return at.rejection;
  return view.model.frames.get(at.wait.onId)?.rejection;
}

function settledWord(view: Summed, at: FrameSegment): string {
  const rejection = rejectionOf(view, at);
  return rejection === undefined ? 'settled' : `rejected${errorText(view, rejection)}`;
}

function thrownText(view: Summed, at: FrameSegment): string {
  const rejection = rejectionOf(view, at);
  return rejection === undefined
    ? ''
    : `; what it awaited was rejected${errorText(view, rejection)}, so the await threw`;
}

function errorText({ model }: Summed, { error }: Rejection): string {
  const name = textOf(model, error);
  return name === '' ? '' : ` with ${name}`;
}

function endText(view: Summed, frame: Frame): string {
  if (frame.rejection !== undefined) return `Rejected${errorText(view, frame.rejection)}`;
  if (frame.outcome === endOutcome.panicked) return 'Rejected';
  if (frame.outcome !== endOutcome.unknown) return 'Over';
  return 'Over; nobody awaits it, so whether it was rejected is not known';
}

function stepsOf(
  view: Summed,
  frame: Frame,
  at: FrameSegment,
  site: SourceSite | null,
  folded: boolean,
): readonly ExplanationStep[] {
  const { model } = view;
  const lane = model.task(frame.task)?.lane ?? -1;
  const caller = frame.parent === 0 ? '' : ` by ${callName(model, frame.parent)}`;
  const steps = [step('spawn', frame.openNs, `Called${caller}`, lane, { site: siteOf(model, frame.site) })];
  if (folded && frame.foldedCalls > 0)
    steps.push(step('spawn', frame.openNs, `With ${moreCalls(view, frame)} inside of it`, lane));
  if (at.wait !== undefined) steps.push(step('wait', at.fromNs, `Awaits${placeText(site)}`, lane, { site }));
  const word = settledWord(view, at);
  if (at.causeKind !== causeKind.unknown)
    steps.push(
      step(
        'wake',
        at.toNs,
        `${word[0]?.toUpperCase()}${word.slice(1)} by ${causeName(model, at.causeKind, at.causeId)}`,
        lane,
      ),
    );
  if (!Number.isNaN(frame.endNs)) steps.push(step('end', frame.endNs, endText(view, frame), lane));
  return steps;
}

function moreCalls({ model }: Summed, frame: Frame): string {
  return `${frame.foldedCalls} more call${frame.foldedCalls === 1 ? '' : 's'} in ${model.packageOf(frame.site)}`;
}

/**
 * Where each call stood as the wait was ending, from this one up to the first: a caller may await it later. Of calls
 * inside packages only the one that is asked about stands there; how many are left out is said.
 */
function chainOf(view: Summed, frame: Frame, at: FrameSegment, nowNs: number): ExplanationStack[] {
  if (at.wait === undefined) return [];
  const { model } = view;
  const chain = model.frames.chainAt(frame.id, Math.max(at.fromNs, at.toNs - 1), nowNs);
  const left = new Map<string, number>();
  const shown = chain.filter(({ frame: each }) => {
    const name = each === frame ? '' : model.packageOf(each.site);
    if (name !== '') left.set(name, (left.get(name) ?? 0) + 1);
    return name === '';
  });
  const frames = shown.map(({ wait }) => siteOf(model, wait.site)).filter((each) => each !== null);
  const without = [...left].map(([name, count]) => `${count} in ${name}`).join(', ');
  const title = without === '' ? 'of awaits' : `of awaits, without ${without}`;
  return frames.length === 0 ? [] : [{ title, frames }];
}
