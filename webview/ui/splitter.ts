// Owns the handle between two parts of the page: dragged by pointer or moved by arrow keys, it sets a width that the
// style sheet reads from a custom property.
import { element } from './element.ts';

export interface SplitterOptions {
  readonly label: string;
  /** Custom property that holds the width, set on the view's root element. */
  readonly property: string;
  readonly leastCssPx: number;
  readonly mostCssPx: number;
  /** 1 when the part lies left of the handle, -1 when it lies right of it. */
  readonly grows: 1 | -1;
  /** The part's width now. */
  readonly width: () => number;
  readonly onChange: () => void;
}

/** One press of an arrow key. */
const keyStepCssPx = 16;

export function splitter(options: SplitterOptions): HTMLElement {
  const handle = element('div', {
    class: 'splitter',
    role: 'separator',
    tabindex: 0,
    'aria-orientation': 'vertical',
    'aria-label': options.label,
    'aria-valuemin': options.leastCssPx,
    'aria-valuemax': options.mostCssPx,
  });
  const set = (wantedCssPx: number) => {
    const widthCssPx = Math.round(Math.min(options.mostCssPx, Math.max(options.leastCssPx, wantedCssPx)));
    const root = handle.closest<HTMLElement>('.wakeline');
    root?.style.setProperty(options.property, `${widthCssPx}px`);
    handle.setAttribute('aria-valuenow', String(widthCssPx));
    options.onChange();
  };
  handle.addEventListener('pointerdown', (event) => {
    if (event.button !== 0) return;
    event.preventDefault();
    handle.setPointerCapture(event.pointerId);
    const startX = event.clientX;
    const startWidth = options.width();
    const move = (moved: PointerEvent) => set(startWidth + (moved.clientX - startX) * options.grows);
    handle.addEventListener('pointermove', move);
    const end = () => handle.removeEventListener('pointermove', move);
    handle.addEventListener('pointerup', end, { once: true });
    handle.addEventListener('pointercancel', end, { once: true });
  });
  handle.addEventListener('keydown', (event) => {
    if (event.key !== 'ArrowLeft' && event.key !== 'ArrowRight') return;
    event.preventDefault();
    event.stopPropagation();
    set(options.width() + (event.key === 'ArrowRight' ? keyStepCssPx : -keyStepCssPx) * options.grows);
  });
  return handle;
}
