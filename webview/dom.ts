// Owns the page's skeleton: which part stands where. Style and colours are webview.css's.
import { element } from './ui/element.ts';
import { splitter } from './ui/splitter.ts';

export interface Skeleton {
  readonly root: HTMLElement;
  readonly axis: SVGSVGElement;
  readonly axisCorner: HTMLElement;
  readonly scroller: HTMLElement;
  readonly sizer: HTMLElement;
  readonly sticky: HTMLElement;
  readonly picture: HTMLElement;
  readonly timeline: HTMLCanvasElement;
  readonly overlay: HTMLCanvasElement;
  readonly work: HTMLElement;
  readonly announcer: HTMLElement;
}

/**
 * ```
 * root ┬ toolbar (before work)
 *      ├ work ┬ chart ┬ axis row: corner, axis
 *      │      │       └ scroller > sizer > sticky: rows of labels, canvases
 *      │      └ details
 *      └ foot
 * ```
 */
export function buildSkeleton(
  root: HTMLElement,
  parts: {
    readonly toolbar: HTMLElement;
    readonly rows: HTMLElement;
    readonly details: HTMLElement;
    readonly foot: HTMLElement;
    readonly empty: HTMLElement;
    readonly floating: readonly HTMLElement[];
    readonly resized: () => void;
  },
): Skeleton {
  const axis = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  axis.setAttribute('class', 'time-axis');
  axis.setAttribute('aria-hidden', 'true');
  const axisCorner = element('div', { class: 'axis-corner' });
  const timeline = element('canvas', { id: 'timeline', 'aria-hidden': 'true' });
  const overlay = element('canvas', { id: 'overlay', 'aria-hidden': 'true' });
  const picture = element('div', { class: 'picture' }, timeline, overlay);
  const sticky = element('div', { class: 'sticky', role: 'presentation' }, parts.rows, picture);
  const sizer = element('div', { class: 'sizer', role: 'presentation' }, sticky);
  const scroller = element(
    'div',
    {
      class: 'scroller',
      tabindex: 0,
      role: 'grid',
      'aria-label': 'Lanes of the trace',
      'aria-readonly': 'true',
    },
    sizer,
  );
  const announcer = element('div', { class: 'visually-hidden', role: 'status', 'aria-live': 'polite' });
  const axisRow = element(
    'div',
    { class: 'axis-row' },
    axisCorner,
    splitter({
      label: 'Width of the labels',
      property: '--labels',
      leastCssPx: 80,
      mostCssPx: 480,
      grows: 1,
      width: () => axisCorner.offsetWidth,
      onChange: parts.resized,
    }),
  );
  axisRow.append(axis);
  const chart = element('section', { class: 'chart', 'aria-label': 'Timeline' }, axisRow, scroller);
  const { details } = parts;
  const detailsHandle = splitter({
    label: 'Width of the details',
    property: '--details',
    leastCssPx: 200,
    mostCssPx: 640,
    grows: -1,
    width: () => details.offsetWidth,
    onChange: parts.resized,
  });
  const work = element('div', { class: 'work' }, chart, detailsHandle, details);
  root.classList.add('wakeline');
  root.replaceChildren(parts.toolbar, work, parts.empty, parts.foot, announcer, ...parts.floating);
  return { root, axis, axisCorner, scroller, sizer, sticky, picture, timeline, overlay, work, announcer };
}
