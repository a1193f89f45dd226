// Owns the time axis: d3's axis over the visible interval, with ticks worded by layout/time-ticks.ts.
import { axisBottom } from 'd3-axis';
import { scaleLinear } from 'd3-scale';
import { select } from 'd3-selection';
import { tickWording } from '../layout/time-ticks.ts';
import type { Interval } from '../state/interval.ts';

/** Room for one tick with its text, in CSS px: `123.456 ms` in an 11 px font and air. */
const tickRoomCssPx = 96;

export interface AxisResult {
  /** Instants of the ticks, for the grid. */
  readonly ticksNs: readonly number[];
  readonly baseText: string;
}

export function drawTimeAxis(
  svg: SVGSVGElement,
  interval: Interval,
  widthCssPx: number,
  heightCssPx: number,
): AxisResult {
  const count = Math.max(2, Math.floor(widthCssPx / tickRoomCssPx));
  // Ticks stand at round numbers of what is written, so the scale counts from the base.
  const first = scaleLinear([interval.fromNs, interval.toNs], [0, widthCssPx]);
  const [a = 0, b = 1] = first.ticks(count);
  const wording = tickWording(interval, Math.abs(b - a));
  const shifted = scaleLinear(
    [interval.fromNs - wording.baseNs, interval.toNs - wording.baseNs],
    [0, widthCssPx],
  );
  const ticks = shifted.ticks(count);
  const axis = axisBottom(shifted)
    .tickValues(ticks)
    .tickFormat((value) => wording.text(Number(value) + wording.baseNs))
    .tickSize(5)
    .tickPadding(3)
    .tickSizeOuter(0);
  select(svg)
    .attr('width', widthCssPx)
    .attr('height', heightCssPx)
    .selectAll<SVGGElement, null>('g.axis')
    .data([null])
    .join('g')
    .attr('class', 'axis')
    .call(axis)
    .selectAll<SVGTextElement, number>('.tick text')
    // Words at the edges lean inwards instead of being cut.
    .attr('text-anchor', (value) => leaning(shifted(value), widthCssPx));
  return { ticksNs: ticks.map((tick) => tick + wording.baseNs), baseText: wording.baseText };
}

/** Half a tick's words, in CSS px. */
const halfTextCssPx = 26;

function leaning(xCssPx: number, widthCssPx: number): string {
  if (xCssPx < halfTextCssPx) return 'start';
  return xCssPx > widthCssPx - halfTextCssPx ? 'end' : 'middle';
}
