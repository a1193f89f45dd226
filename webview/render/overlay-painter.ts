// Owns the thin canvas above the bars: grid, bands, markers, words, arrows, selection, hover.
// Paints shapes that layout/ made; decides nothing about where they stand.
import { appearanceOf, fillStyle, markerShape } from '../layout/appearance.ts';
import { barInsetCssPx, type Rectangle, rowHeightCssPx } from '../layout/geometry.ts';
import type { ArrowShape, Band, MarkerShapeAt } from '../layout/marks.ts';
import type { SpanLabel } from '../layout/span-labels.ts';
import { cssOf, inkOn, type Theme } from './theme.ts';

export interface OverlayScene {
  readonly widthCssPx: number;
  readonly heightCssPx: number;
  readonly devicePixelRatio: number;
  readonly bodyTopCssPx: number;
  readonly gridXCssPx: readonly number[];
  readonly bands: readonly Band[];
  readonly markers: readonly MarkerShapeAt[];
  readonly labels: readonly { readonly yCssPx: number; readonly label: SpanLabel }[];
  /** Between neighbours of one state. */
  readonly edges: readonly { readonly xCssPx: number; readonly yCssPx: number }[];
  readonly arrows: readonly ArrowShape[];
  readonly highlights: readonly Rectangle[];
  readonly selection: Rectangle | null;
  readonly hover: Rectangle | null;
  readonly hoverXCssPx: number | null;
  /** Where the newest known instant is; null when it is out of view. */
  readonly nowXCssPx: number | null;
}

export class OverlayPainter {
  private readonly context: CanvasRenderingContext2D;

  constructor(canvas: HTMLCanvasElement) {
    const context = canvas.getContext('2d');
    if (context === null) throw new Error('This browser gives no 2D canvas, which the timeline needs.');
    this.context = context;
  }

  paint(scene: OverlayScene, theme: Theme): void {
    const c = this.context;
    const widthPx = Math.round(scene.widthCssPx * scene.devicePixelRatio);
    const heightPx = Math.round(scene.heightCssPx * scene.devicePixelRatio);
    if (c.canvas.width !== widthPx || c.canvas.height !== heightPx) {
      c.canvas.width = widthPx;
      c.canvas.height = heightPx;
    }
    c.setTransform(scene.devicePixelRatio, 0, 0, scene.devicePixelRatio, 0, 0);
    c.clearRect(0, 0, scene.widthCssPx, scene.heightCssPx);
    this.grid(scene, theme);
    this.bands(scene, theme);
    this.highlights(scene, theme);
    this.inRegions(scene, (belongs) => {
      this.edges(scene, theme, belongs);
      this.labels(scene, theme, belongs);
      this.markers(scene, theme, belongs);
    });
    this.arrows(scene, theme);
    this.outlines(scene, theme);
    // Last, because the words of rows stand beneath them.
    this.bandLabels(scene, theme);
  }

  /** Paints pinned rows and scrolled rows each within their part: a row that is half scrolled away ends at the edge. */
  private inRegions(scene: OverlayScene, paint: (belongs: (yCssPx: number) => boolean) => void): void {
    const c = this.context;
    const isPinned = (yCssPx: number) => yCssPx <= scene.bodyTopCssPx - rowHeightCssPx;
    if (scene.bodyTopCssPx > 0) paint((yCssPx) => isPinned(yCssPx));
    c.save();
    c.beginPath();
    c.rect(0, scene.bodyTopCssPx, scene.widthCssPx, scene.heightCssPx - scene.bodyTopCssPx);
    c.clip();
    paint((yCssPx) => !isPinned(yCssPx));
    c.restore();
  }

  private grid(scene: OverlayScene, theme: Theme): void {
    const c = this.context;
    c.fillStyle = cssOf(theme.colours.foreground, theme.highContrast ? 0.25 : 0.07);
    for (const x of scene.gridXCssPx) c.fillRect(Math.round(x), 0, 1, scene.heightCssPx);
    if (scene.nowXCssPx === null) return;
    c.fillStyle = cssOf(theme.colours.foreground, 0.4);
    c.fillRect(Math.round(scene.nowXCssPx), 0, 1, scene.heightCssPx);
  }

  private bands(scene: OverlayScene, theme: Theme): void {
    const c = this.context;
    for (const band of scene.bands) {
      const { xCssPx: x, widthCssPx: width } = band;
      if (band.kind === 'provisional') {
        c.fillStyle = cssOf({ ...theme.colours.background, alpha: 1 }, 0.45);
        c.fillRect(x, 0, width, scene.heightCssPx);
        continue;
      }
      const colour = band.kind === 'stop' ? theme.colours.orange : theme.colours.muted;
      c.fillStyle = cssOf(colour, band.kind === 'stop' ? 0.16 : 0.06);
      c.fillRect(x, 0, width, scene.heightCssPx);
      this.hatch(x, width, scene.heightCssPx, cssOf(colour, band.kind === 'stop' ? 0.28 : 0.35));
      c.fillStyle = cssOf(colour, 0.9);
      c.fillRect(x, 0, 1, scene.heightCssPx);
      c.fillRect(x + width - 1, 0, 1, scene.heightCssPx);
    }
  }

  private hatch(x: number, width: number, height: number, colour: string): void {
    const c = this.context;
    if (width < 6) return;
    c.save();
    c.beginPath();
    c.rect(x, 0, width, height);
    c.clip();
    c.beginPath();
    for (let offset = -height; offset < width; offset += 10) {
      c.moveTo(x + offset, height);
      c.lineTo(x + offset + height, 0);
    }
    c.strokeStyle = colour;
    c.lineWidth = 1;
    c.stroke();
    c.restore();
  }

  /** At the foot of the picture: the head of it belongs to the reactor's lane. */
  /** From the newest on: of bands that stand close together only what has room is named. */
  private bandLabels(scene: OverlayScene, theme: Theme): void {
    const c = this.context;
    this.font(theme, 11);
    let freeToCssPx = scene.widthCssPx;
    for (const band of [...scene.bands].reverse()) {
      if (band.label === '') continue;
      const textWidth = c.measureText(band.label).width;
      const x = Math.max(4, Math.min(scene.widthCssPx - textWidth - 12, band.xCssPx + 6));
      if (x + textWidth + 4 > freeToCssPx) continue;
      freeToCssPx = x - 4;
      this.bandLabel(band, x, textWidth, scene, theme);
    }
  }

  private bandLabel(band: Band, x: number, textWidth: number, scene: OverlayScene, theme: Theme): void {
    const c = this.context;
    const y = scene.heightCssPx - 22;
    c.fillStyle = cssOf({ ...theme.colours.background, alpha: 1 });
    c.fillRect(x - 4, y - 2, textWidth + 8, 18);
    c.fillStyle = cssOf(theme.colours.foreground);
    c.fillText(band.label, x, y + 8);
  }

  private highlights(scene: OverlayScene, theme: Theme): void {
    const c = this.context;
    c.strokeStyle = cssOf(theme.colours.foreground, 0.85);
    c.fillStyle = cssOf(theme.colours.foreground, 0.12);
    c.lineWidth = 1;
    for (const each of scene.highlights) {
      c.fillRect(each.xCssPx, each.yCssPx, each.widthCssPx, each.heightCssPx);
      c.strokeRect(
        each.xCssPx + 0.5,
        each.yCssPx + 0.5,
        Math.max(1, each.widthCssPx - 1),
        each.heightCssPx - 1,
      );
    }
  }

  private edges(scene: OverlayScene, theme: Theme, belongs: (yCssPx: number) => boolean): void {
    const c = this.context;
    c.fillStyle = cssOf({ ...theme.colours.background, alpha: 1 });
    for (const { xCssPx, yCssPx } of scene.edges) {
      if (belongs(yCssPx))
        c.fillRect(Math.round(xCssPx), yCssPx + barInsetCssPx, 1, rowHeightCssPx - 2 * barInsetCssPx);
    }
  }

  private labels(scene: OverlayScene, theme: Theme, belongs: (yCssPx: number) => boolean): void {
    const c = this.context;
    this.font(theme, 11);
    for (const { yCssPx, label } of scene.labels) {
      if (!belongs(yCssPx)) continue;
      const { colour, fill } = appearanceOf(label.state);
      const onBar = fill === fillStyle.solid && !label.thin;
      c.fillStyle = onBar ? inkOn(theme.colours[colour]) : cssOf(theme.colours.foreground, 0.9);
      if (label.thin || (theme.highContrast && !onBar)) this.plate(label, yCssPx, theme);
      c.fillText(label.text, label.xCssPx + 5, yCssPx + rowHeightCssPx / 2, label.widthCssPx - 6);
    }
  }

  /** In high contrast words stand on plain ground, not on a texture; and so they do on bars that are thinner than they. */
  private plate(label: SpanLabel, yCssPx: number, theme: Theme): void {
    const c = this.context;
    const ink = c.fillStyle;
    c.fillStyle = cssOf(theme.colours.background);
    c.fillRect(
      label.xCssPx + 3,
      yCssPx + barInsetCssPx + 1,
      Math.min(label.widthCssPx - 6, c.measureText(label.text).width + 4),
      rowHeightCssPx - 2 * barInsetCssPx - 4,
    );
    c.fillStyle = ink;
  }

  private markers(scene: OverlayScene, theme: Theme, belongs: (yCssPx: number) => boolean): void {
    const c = this.context;
    c.lineWidth = 1;
    for (const mark of scene.markers) {
      if (!belongs(mark.yCssPx)) continue;
      const { shape, colour } = mark.appearance;
      c.fillStyle = cssOf(theme.colours[colour]);
      c.strokeStyle = cssOf({ ...theme.colours.background, alpha: 1 });
      const outside =
        shape === markerShape.triangleDown || shape === markerShape.diamond || shape === markerShape.bar;
      const y = outside ? mark.yCssPx + 3 : mark.yCssPx + rowHeightCssPx - 4;
      this.marker(shape, Math.round(mark.xCssPx), y, mark.small ? 2 : 3, cssOf(theme.colours[colour]));
    }
  }

  private marker(shape: number, x: number, y: number, size: number, ink: string): void {
    const c = this.context;
    c.beginPath();
    if (shape === markerShape.triangleDown) {
      c.moveTo(x - size, y - size);
      c.lineTo(x + size, y - size);
      c.lineTo(x, y + size);
    } else if (shape === markerShape.triangleUp) {
      c.moveTo(x - size, y + size);
      c.lineTo(x + size, y + size);
      c.lineTo(x, y - size);
    } else if (shape === markerShape.diamond) {
      c.moveTo(x, y - size - 0.5);
      c.lineTo(x + size + 0.5, y);
      c.lineTo(x, y + size + 0.5);
      c.lineTo(x - size - 0.5, y);
    } else if (shape === markerShape.square) {
      c.rect(x - size + 0.5, y - size + 0.5, 2 * size - 1, 2 * size - 1);
    } else if (shape === markerShape.bar) {
      c.rect(x - 1, y - size, 2, rowHeightCssPx - 2);
    } else if (shape === markerShape.circle) {
      c.arc(x, y, size, 0, Math.PI * 2);
    } else {
      this.lineMarker(shape, x, y, size, ink);
      return;
    }
    c.closePath();
    c.stroke();
    c.fill();
  }

  /** Shapes made of lines, which have no inside to fill. */
  private lineMarker(shape: number, x: number, y: number, size: number, ink: string): void {
    const c = this.context;
    if (shape === markerShape.ring) c.arc(x, y, size, 0, Math.PI * 2);
    else {
      c.moveTo(x - size, y - size);
      c.lineTo(x + size, y + size);
      c.moveTo(x + size, y - size);
      c.lineTo(x - size, y + size);
    }
    c.lineWidth = size + 0.5;
    c.stroke();
    c.lineWidth = size / 2;
    c.strokeStyle = ink;
    c.stroke();
    c.lineWidth = 1;
  }

  private arrows(scene: OverlayScene, theme: Theme): void {
    const c = this.context;
    const ground = cssOf({ ...theme.colours.background, alpha: 1 }, 0.75);
    const ink = cssOf(theme.colours.foreground, 0.95);
    for (const arrow of scene.arrows) {
      const dash = arrow.certainty === 'recorded' ? [] : arrow.certainty === 'inferred' ? [5, 3] : [1.5, 3];
      this.arrowPath(arrow);
      c.setLineDash([]);
      c.lineWidth = 3.5;
      c.strokeStyle = ground;
      c.stroke();
      this.arrowPath(arrow);
      c.setLineDash(dash);
      c.lineWidth = 1.25;
      c.strokeStyle = ink;
      c.stroke();
      c.setLineDash([]);
      this.arrowHead(arrow, ink);
    }
  }

  /** Leaves and arrives vertically, so that where it ends on the time axis can be read. */
  private arrowPath(arrow: ArrowShape): void {
    const c = this.context;
    const half = (arrow.toYCssPx - arrow.fromYCssPx) / 2;
    c.beginPath();
    c.moveTo(arrow.fromXCssPx, arrow.fromYCssPx);
    c.bezierCurveTo(
      arrow.fromXCssPx,
      arrow.fromYCssPx + half,
      arrow.toXCssPx,
      arrow.toYCssPx - half,
      arrow.toXCssPx,
      arrow.toYCssPx,
    );
  }

  private arrowHead(arrow: ArrowShape, ink: string): void {
    const c = this.context;
    const down = arrow.toYCssPx >= arrow.fromYCssPx ? 1 : -1;
    c.beginPath();
    c.moveTo(arrow.toXCssPx, arrow.toYCssPx + down);
    c.lineTo(arrow.toXCssPx - 3.5, arrow.toYCssPx - down * 5);
    c.lineTo(arrow.toXCssPx + 3.5, arrow.toYCssPx - down * 5);
    c.closePath();
    c.fillStyle = ink;
    c.fill();
    c.beginPath();
    c.arc(arrow.fromXCssPx, arrow.fromYCssPx, 2, 0, Math.PI * 2);
    c.fill();
  }

  private outlines(scene: OverlayScene, theme: Theme): void {
    const c = this.context;
    if (scene.hover !== null) {
      c.strokeStyle = cssOf(theme.colours.foreground, 0.55);
      c.lineWidth = 1;
      outline(c, scene.hover, 0.5);
    }
    if (scene.selection !== null) {
      c.strokeStyle = cssOf(theme.colours.background);
      c.lineWidth = 4;
      outline(c, scene.selection, 0);
      c.strokeStyle = cssOf(theme.highContrast ? theme.colours.focus : theme.colours.foreground);
      c.lineWidth = 1.5;
      outline(c, scene.selection, 0);
    }
    if (scene.hoverXCssPx !== null) {
      c.fillStyle = cssOf(theme.colours.foreground, 0.35);
      c.fillRect(Math.round(scene.hoverXCssPx), 0, 1, scene.heightCssPx);
    }
  }

  private font(theme: Theme, sizeCssPx: number): void {
    this.context.font = `${sizeCssPx}px ${theme.fontFamily}`;
    this.context.textBaseline = 'middle';
  }
}

function outline(c: CanvasRenderingContext2D, each: Rectangle, inset: number): void {
  c.strokeRect(
    each.xCssPx + inset,
    each.yCssPx + inset,
    Math.max(2, each.widthCssPx - 2 * inset),
    each.heightCssPx - 2 * inset,
  );
}
