// Owns the drawing of one recording: what was in flight over time, and what each thread did. Plain SVG, for light and
// dark pages. Knows nothing of files or of how the figures came about.
import type { Bar, Step, TraceFigures } from './trace-figures.ts';

const widthPx = 860;
const leftPx = 150;
const rightPx = 14;
const curveTopPx = 42;
const curvePx = 90;
const laneGapPx = 26;

const style = `
  text { font: 12px system-ui, sans-serif; fill: #24292f; }
  .title { font-weight: 600; font-size: 14px; }
  .small { font-size: 11px; fill: #57606a; }
  .axis { stroke: #8c959f; stroke-width: 1; fill: none; }
  .grid { stroke: #d0d7de; stroke-width: 1; fill: none; }
  .flight { fill: #54aeff; }
  .queued { fill: #fb8f44; }
  .poll { fill: #1a7f37; }
  .park { fill: #d0d7de; }
  .job { fill: #8250df; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; }
    .small { fill: #9198a1; }
    .grid { stroke: #3d444d; }
    .flight { fill: #388bfd; }
    .queued { fill: #db6d28; }
    .poll { fill: #3fb950; }
    .park { fill: #3d444d; }
    .job { fill: #a371f7; }
  }`;

/** One picture; `spanNs` is how much time its width stands for, the same for all that are to be compared. */
export function picture(title: string, figures: TraceFigures, spanNs: number): string {
  const x = (ns: number) =>
    leftPx + (Math.min(Math.max(0, ns - figures.fromNs), spanNs) / spanNs) * (widthPx - leftPx - rightPx);
  const lanePx = figures.lanes.length > 20 ? 3 : 16;
  const lanesTopPx = curveTopPx + curvePx + laneGapPx;
  const bottomPx = lanesTopPx + figures.lanes.length * lanePx;
  const heightPx = bottomPx + 56;
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${widthPx} ${heightPx}" role="img" aria-label="${escaped(title)}">`,
    `<style>${style}</style>`,
    `<text class="title" x="8" y="20">${escaped(title)}</text>`,
    ...grid(spanNs, x, figures.fromNs, bottomPx),
    ...curve(figures, x),
    ...lanes(figures, x, lanesTopPx, lanePx),
    ...legend(figures, bottomPx + 44),
    '</svg>',
  ];
  return `${parts.join('\n')}\n`;
}

function grid(spanNs: number, x: (ns: number) => number, fromNs: number, bottomPx: number): string[] {
  const stepMs = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000].find((ms) => spanNs / (ms * 1e6) <= 8) ?? 2000;
  const parts: string[] = [];
  for (let ms = 0; ms * 1e6 <= spanNs; ms += stepMs) {
    const at = px(x(fromNs + ms * 1e6));
    parts.push(`<path class="grid" d="M${at} ${curveTopPx}V${bottomPx}"/>`);
    parts.push(`<text class="small" x="${at}" y="${bottomPx + 16}" text-anchor="middle">${ms} ms</text>`);
  }
  return parts;
}

function curve(figures: TraceFigures, x: (ns: number) => number): string[] {
  const bottomPx = curveTopPx + curvePx;
  const most = Math.max(1, figures.peakInFlight);
  const y = (level: number) => bottomPx - (level / most) * curvePx;
  const area = (steps: readonly Step[]) => {
    let path = `M${leftPx} ${bottomPx}`;
    for (const { ns, level } of steps) path += `H${px(x(ns))}V${px(y(level))}`;
    return `${path}V${bottomPx}Z`;
  };
  return [
    `<path class="flight" d="${area(figures.inFlight)}"/>`,
    `<path class="queued" d="${area(figures.queued)}"/>`,
    `<path class="axis" d="M${leftPx} ${curveTopPx}V${bottomPx}H${widthPx - rightPx}"/>`,
    `<text class="small" x="${leftPx - 6}" y="${curveTopPx + 8}" text-anchor="end">${most}</text>`,
    `<text class="small" x="${leftPx - 6}" y="${bottomPx}" text-anchor="end">0</text>`,
    `<text x="8" y="${curveTopPx + curvePx / 2}">operations in flight</text>`,
  ];
}

function lanes(figures: TraceFigures, x: (ns: number) => number, topPx: number, lanePx: number): string[] {
  const parts: string[] = [];
  const barPx = Math.max(1, lanePx - (lanePx > 4 ? 4 : 1));
  figures.lanes.forEach((lane, i) => {
    const y = topPx + i * lanePx;
    const draw = (bars: readonly Bar[], name: string) => {
      if (bars.length > 0) parts.push(`<path class="${name}" d="${rectangles(bars, x, y, barPx)}"/>`);
    };
    draw(lane.parks, 'park');
    draw(lane.jobs, 'job');
    draw(lane.polls, 'poll');
    if (lanePx > 8) parts.push(`<text class="small" x="8" y="${y + barPx - 2}">${escaped(lane.name)}</text>`);
  });
  if (lanePx <= 8)
    parts.push(`<text class="small" x="8" y="${topPx + 12}">${figures.lanes.length} threads</text>`);
  return parts;
}

/** Nothing is thinner than half a pixel, or short polls would vanish. */
function rectangles(bars: readonly Bar[], x: (ns: number) => number, y: number, heightPx: number): string {
  return bars
    .map(({ fromNs, toNs }) => {
      const from = x(fromNs);
      return `M${px(from)} ${y}h${px(Math.max(0.5, x(toNs) - from))}v${heightPx}H${px(from)}z`;
    })
    .join('');
}

function legend(figures: TraceFigures, y: number): string[] {
  const entries = [
    ['flight', figures.submissions > 0 ? 'submissions in flight' : 'jobs in flight'],
    ...(figures.peakQueued > 0 ? [['queued', 'of these, no thread has begun them']] : []),
    ['poll', 'a task is polled'],
    ['park', 'parked in the reactor'],
    ...(figures.jobs > 0 ? [['job', 'a thread runs a job (and blocks)']] : []),
  ] as const;
  let x = 8;
  return entries.flatMap(([name = '', text = '']) => {
    const at = x;
    x += 24 + text.length * 6.3;
    return [
      `<rect class="${name}" x="${at}" y="${y - 9}" width="10" height="10"/>`,
      `<text class="small" x="${at + 14}" y="${y}">${escaped(text)}</text>`,
    ];
  });
}

function px(value: number): string {
  return String(Math.round(value * 100) / 100);
}

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (each) => `&#${each.charCodeAt(0)};`);
}
