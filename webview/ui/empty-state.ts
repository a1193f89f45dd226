// Owns what a new user sees before any program has connected: what to do, in three steps.
import { element } from './element.ts';

export function emptyState(): HTMLElement {
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
      'A recording (a .wakeline file) opens here too: open it from the explorer.',
    ),
  );
}
