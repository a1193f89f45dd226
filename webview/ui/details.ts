// Owns the pane that tells why the selected span lasted as it did: sentence, chain of causes, numbers.
import { isLibrary, macroOf } from '../../extension/messages/await-text.ts';
import { type SourceSite, spanState } from '../../extension/messages/lanes.ts';
import type { Explanation, ExplanationStack, ExplanationStep } from '../../extension/messages/queries.ts';
import { formatDuration } from '../../extension/trace/format.ts';
import { appearanceOf } from '../layout/appearance.ts';
import { element, iconButton } from './element.ts';

export interface DetailsActions {
  readonly openSite: (site: SourceSite) => void;
  readonly reveal: (lane: number, atNs: number) => void;
  readonly close: () => void;
}

export class Details {
  readonly root = element('aside', { id: 'details', 'aria-label': 'Details of the selected span' });
  private readonly actions: DetailsActions;

  constructor(actions: DetailsActions) {
    this.actions = actions;
    this.showHint();
  }

  /** Nothing is selected. */
  showHint(): void {
    this.root.removeAttribute('data-lane');
    this.root.replaceChildren(
      element(
        'p',
        { class: 'hint' },
        'Click a span to see why it lasted as it did: what the task waited for, what ended the wait, who woke it, and where that stands in the source.',
      ),
    );
  }

  /** An answer is on the way, or there is none. */
  showText(text: string): void {
    this.root.replaceChildren(element('p', { class: 'hint' }, text));
  }

  /** `awaitsNote`: how the program found out where its tasks await, in its own words; empty where it does not say. */
  show(explanation: Explanation, awaitsNote: string): void {
    const { root } = this;
    // Refreshing what is already read must not throw the reader back to the top.
    const scrollTop = root.getAttribute('data-lane') === String(explanation.lane) ? root.scrollTop : 0;
    root.setAttribute('data-lane', String(explanation.lane));
    root.replaceChildren(
      this.heading(explanation),
      element('p', { class: 'sentence' }, explanation.sentence),
      this.sites(explanation),
      this.stacks(explanation, awaitsNote),
      this.steps(explanation),
      facts(explanation),
    );
    root.scrollTop = scrollTop;
  }

  private heading(explanation: Explanation): HTMLElement {
    const { fromNs, toNs, open } = explanation;
    const { colour } = appearanceOf(explanation.state);
    return element(
      'div',
      { class: 'details-head' },
      element(
        'div',
        { class: 'details-title' },
        element('h2', {}, explanation.laneLabel),
        iconButton('close', 'Close the details', 'Esc', this.actions.close),
      ),
      element(
        'div',
        { class: 'chips' },
        element('span', { class: 'chip state', 'data-colour': colour }, explanation.stateName),
        element('span', { class: 'chip plain' }, `${formatDuration(toNs - fromNs)}${open ? ' so far' : ''}`),
        element(
          'span',
          { class: 'chip certainty', 'data-certainty': explanation.certainty },
          explanation.certainty,
        ),
      ),
      element(
        'p',
        { class: 'muted' },
        `from ${formatDuration(fromNs)} to ${open ? 'now' : formatDuration(toNs)}`,
      ),
    );
  }

  private sites(explanation: Explanation): HTMLElement {
    const list = element('div', { class: 'sites' });
    if (explanation.site !== null)
      list.append(element('span', { class: 'muted' }, 'at '), this.siteLink(explanation.site), element('br'));
    if (explanation.spawnSite !== null)
      list.append(element('span', { class: 'muted' }, 'spawned at '), this.siteLink(explanation.spawnSite));
    return list;
  }

  private siteLink(site: SourceSite): HTMLElement {
    const name = site.file.split(/[\\/]/).pop() ?? site.file;
    const link = element(
      'button',
      { type: 'button', class: 'link', title: `Open ${site.file}:${site.line}:${site.column}` },
      `${name}:${site.line}`,
    );
    link.addEventListener('click', () => this.actions.openSite(site));
    return link;
  }

  /** The first stands open: mostly the others say the same. */
  private stacks(explanation: Explanation, awaitsNote: string): HTMLElement {
    const list = element('div', { class: 'stacks' });
    explanation.stacks.forEach((stack, i) => {
      const one = this.stack(stack);
      if (i === 0) one.setAttribute('open', '');
      list.append(one);
    });
    // Stacks of a poll are calls; those of a wait are as true as what they were read from.
    const isWait = explanation.state >= spanState.idleSource && explanation.state <= spanState.idleUnknown;
    if (isWait && explanation.stacks.length > 0 && awaitsNote !== '')
      list.append(element('p', { class: 'muted awaits-note' }, `Awaits are ${awaitsNote}.`));
    return list;
  }

  private stack(stack: ExplanationStack): HTMLElement {
    const frames = element('ol', { 'aria-label': `Stack ${stack.title}, innermost first` });
    for (const frame of stack.frames) frames.append(this.frame(frame));
    return element('details', {}, element('summary', {}, `Stack ${stack.title}`), frames);
  }

  private frame(frame: SourceSite): HTMLElement {
    const macro = macroOf(frame);
    const name = frame.functionName === '' ? frame.file : frame.functionName;
    return element(
      'li',
      isLibrary(frame) && macro === undefined ? { class: 'library' } : {},
      element('span', { class: 'function' }, name),
      frame.line === 0 ? null : this.siteLink(frame),
      // The debug information has the macro's own line and not the one where it is used.
      macro === undefined ? null : element('span', { class: 'muted' }, ` in ${macro}!`),
    );
  }

  private steps(explanation: Explanation): HTMLElement {
    const list = element('ol', { class: 'steps', 'aria-label': 'Chain of causes, oldest first' });
    for (const step of explanation.steps) list.append(this.step(step, explanation));
    return list;
  }

  private step(step: ExplanationStep, explanation: Explanation): HTMLElement {
    const offsetNs = step.atNs - explanation.fromNs;
    const when = `${offsetNs < 0 ? '−' : '+'}${formatDuration(Math.abs(offsetNs))}`;
    const certainty =
      step.certainty === 'recorded'
        ? null
        : element(
            'span',
            { class: 'chip certainty', 'data-certainty': step.certainty },
            step.rule === '' ? step.certainty : `${step.certainty}: ${step.rule}`,
          );
    const text: HTMLElement =
      step.lane >= 0
        ? element(
            'button',
            { type: 'button', class: 'step-text', title: 'Show this in the timeline' },
            step.text,
          )
        : element('span', { class: 'step-text' }, step.text);
    if (step.lane >= 0) text.addEventListener('click', () => this.actions.reveal(step.lane, step.atNs));
    return element(
      'li',
      { 'data-certainty': step.certainty, 'data-step': step.kind },
      element('span', { class: 'when', title: `${formatDuration(step.atNs)} since the session began` }, when),
      text,
      step.site === null ? null : this.siteLink(step.site),
      certainty,
    );
  }
}

function facts(explanation: Explanation): HTMLElement {
  const list = element('dl', { class: 'facts' });
  for (const fact of explanation.facts)
    list.append(element('div', {}, element('dt', {}, fact.label), element('dd', {}, fact.value)));
  return list;
}
