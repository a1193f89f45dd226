// Owns what a new user sees before any program has connected: what to do, in three steps.
import type { WebviewCommand } from '../../extension/messages/webview.ts';
import { element } from './element.ts';

/** `run` is called for the links at the foot. */
export function emptyState(run: (command: WebviewCommand) => void): HTMLElement {
  const step = (title: string, ...rest: (HTMLElement | string)[]) =>
    element('li', {}, element('strong', {}, title), element('br'), ...rest);
  const code = (text: string) => element('code', {}, text);
  return element(
    'section',
    { class: 'empty', 'aria-label': 'Getting started' },
    element('h1', {}, 'No program is connected yet'),
    element(
      'p',
      {},
      'Wakeline shows what async code is really doing: which task runs, why each one waits, who wakes it, and what the reactor does.',
    ),
    element(
      'ol',
      {},
      step(
        'Add the probe to the program. ',
        'Rust: ',
        code('wakeline::init!();'),
        ' at the head of ',
        code('main'),
        '. Node: ',
        code('init()'),
        ' from the package ',
        code('wakeline'),
        '.',
      ),
      step('Start it with F5. ', 'The launch gets what it needs to connect; nothing else changes.'),
      step('Look here. ', 'Lanes appear as soon as the first task runs. Click one to see why it waits.'),
    ),
    element(
      'p',
      { class: 'muted' },
      'Started from a terminal instead? ',
      link('Copy the environment that connects it', () => run('copyEnvironment')),
      '. A recording opens here too: ',
      link('open one', () => run('openRecording')),
      '. Something amiss? ',
      link('Show the log', () => run('showLog')),
      '.',
    ),
  );
}

/** A button that reads as a link: it goes nowhere, it does something. */
function link(text: string, run: () => void): HTMLElement {
  const button = element('button', { type: 'button', class: 'link' }, text);
  button.addEventListener('click', run);
  return button;
}
