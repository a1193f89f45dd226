// Owns zooming and panning by pointer: d3's zoom behaviour recognises drag, pinch and Ctrl+wheel; the view's own
// arithmetic does the rest. Knows nothing of lanes.
import { select } from 'd3-selection';
import { type D3ZoomEvent, type ZoomTransform, zoom, zoomIdentity } from 'd3-zoom';

export interface GestureActions {
  /** Time by this factor around a share of the width. */
  readonly zoom: (anchor: number, factor: number) => void;
  /** Moves by a share of the width; positive is towards later. */
  readonly pan: (share: number) => void;
  readonly scrollBy: (deltaCssPx: number) => void;
}

/** A drag shorter than this is a click. */
const clickCssPx = 4;
/** One notch of a usual wheel is 100 px or 3 lines: it zooms by a fifth. */
const zoomPerPx = 0.0026;
const lineCssPx = 33;

export function attachGestures(target: HTMLElement, actions: GestureActions): void {
  let previous: ZoomTransform = zoomIdentity;
  let active = 0;
  const behaviour = zoom<HTMLElement, unknown>()
    .filter((event: MouseEvent | WheelEvent | TouchEvent) => {
      if (event.type === 'wheel') return (event as WheelEvent).ctrlKey || (event as WheelEvent).metaKey;
      return event.type !== 'dblclick' && !('button' in event && event.button !== 0);
    })
    .wheelDelta((event) => -pixelsOf(event, event.deltaY) * zoomPerPx * (isPinch(event) ? 5 : 1))
    .clickDistance(clickCssPx)
    .on('start', () => {
      active++;
    })
    .on('zoom', (event: D3ZoomEvent<HTMLElement, unknown>) => {
      apply(previous, event.transform, target, actions);
      previous = event.transform;
    })
    .on('end', () => {
      active--;
      if (active > 0) return;
      // At rest the transform is the identity: the view's own interval is the truth, also after keys and following.
      previous = zoomIdentity;
      select(target).property('__zoom', zoomIdentity);
    });
  select(target).call(behaviour).on('dblclick.zoom', null);
  target.addEventListener('wheel', (event) => turnWheel(event, target, actions), { passive: false });
}

/** What changed between two transforms, as zoom around a point and movement. */
function apply(from: ZoomTransform, to: ZoomTransform, target: HTMLElement, actions: GestureActions): void {
  const width = target.clientWidth;
  const factor = from.k / to.k;
  if (Math.abs(factor - 1) < 1e-9) {
    if (to.x !== from.x) actions.pan(-(to.x - from.x) / width);
    if (to.y !== from.y) actions.scrollBy(-(to.y - from.y));
    return;
  }
  // The point that stays where it is: x · from.k⁻¹ and x · to.k⁻¹ give the same place.
  const fixed = (to.x - from.x * (to.k / from.k)) / (1 - to.k / from.k);
  actions.zoom(fixed / width, factor);
}

/** A wheel without Ctrl: sideways or with Shift it moves time; else the scroll container takes it. */
function turnWheel(event: WheelEvent, target: HTMLElement, actions: GestureActions): void {
  if (event.ctrlKey || event.metaKey) return;
  const sideways = event.shiftKey && event.deltaX === 0 ? event.deltaY : event.deltaX;
  if (sideways === 0 || (!event.shiftKey && Math.abs(event.deltaX) < Math.abs(event.deltaY))) return;
  event.preventDefault();
  actions.pan(pixelsOf(event, sideways) / target.clientWidth);
}

function pixelsOf(event: WheelEvent, delta: number): number {
  return delta * (event.deltaMode === 1 ? lineCssPx : event.deltaMode === 2 ? pageCssPx : 1);
}

/** A page of the wheel's third unit, in px. */
const pageCssPx = 400;

/** A pinch on a trackpad comes as small wheel steps with Ctrl. */
function isPinch(event: WheelEvent): boolean {
  return event.ctrlKey && event.deltaMode === 0 && Math.abs(event.deltaY) < 40;
}
