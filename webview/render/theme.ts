// Owns what the theme's colours are as numbers: reads VS Code's custom properties and knows when they change.
// Knows nothing of lanes; names come from layout/appearance.ts.
import { type ThemeColour, themeColours } from '../layout/appearance.ts';

export interface Rgba {
  readonly red: number;
  readonly green: number;
  readonly blue: number;
  /** 0 … 1 */
  readonly alpha: number;
}

export interface Theme {
  readonly colours: Readonly<Record<ThemeColour, Rgba>>;
  readonly dark: boolean;
  readonly highContrast: boolean;
  readonly fontFamily: string;
}

/** For a page without VS Code's properties (a report outside the editor). The middle greys are legible on both grounds. */
const fallbacks: Readonly<Record<ThemeColour, string>> = {
  background: '#1f1f1f',
  foreground: '#cccccc',
  muted: '#9d9d9d',
  green: '#89d185',
  blue: '#3794ff',
  yellow: '#cca700',
  orange: '#d18616',
  purple: '#b180d7',
  red: '#f14c4c',
  lines: '#80808080',
  focus: '#0078d4',
  contrast: '#00000000',
};

/**
 * Colours that name states are taken opaque: VS Code's modern themes define charts.orange by a find match's translucent
 * ground (#EA5C0055), which would leave a bar and a stop's shade all but invisible. webview.css does the same.
 */
const opaque: ReadonlySet<ThemeColour> = new Set(['green', 'blue', 'yellow', 'orange', 'purple', 'red']);

export function readTheme(body: HTMLElement): Theme {
  const style = getComputedStyle(body);
  const names = Object.keys(themeColours) as ThemeColour[];
  const read = names.map((name) => {
    const value = style.getPropertyValue(`--vscode-${themeColours[name]}`).trim();
    const colour = parseColour(value === '' ? fallbacks[name] : value, fallbacks[name]);
    return [name, opaque.has(name) ? { ...colour, alpha: 1 } : colour] as const;
  });
  const classes = body.classList;
  return {
    colours: Object.fromEntries(read) as Record<ThemeColour, Rgba>,
    dark: !classes.contains('vscode-light') && !classes.contains('vscode-high-contrast-light'),
    highContrast: classes.contains('vscode-high-contrast') || classes.contains('vscode-high-contrast-light'),
    fontFamily: style.getPropertyValue('--vscode-font-family').trim() || 'sans-serif',
  };
}

/** Calls back when the editor changes its theme: it then rewrites the body's classes and the root's style. */
export function watchTheme(body: HTMLElement, onChange: () => void): () => void {
  const observer = new MutationObserver(onChange);
  observer.observe(body, { attributes: true, attributeFilter: ['class', 'data-vscode-theme-id'] });
  observer.observe(body.ownerDocument.documentElement, { attributes: true, attributeFilter: ['style'] });
  return () => observer.disconnect();
}

/** Lets the browser parse: themes may use any CSS notation. */
function parseColour(text: string, fallback: string): Rgba {
  const context = parser();
  context.clearRect(0, 0, 1, 1);
  context.fillStyle = fallback;
  context.fillStyle = text;
  context.fillRect(0, 0, 1, 1);
  const [red = 0, green = 0, blue = 0, alpha = 0] = context.getImageData(0, 0, 1, 1).data;
  return { red, green, blue, alpha: alpha / 255 };
}

let parserContext: CanvasRenderingContext2D | null = null;

function parser(): CanvasRenderingContext2D {
  if (parserContext !== null) return parserContext;
  const canvas = document.createElement('canvas');
  canvas.width = 1;
  canvas.height = 1;
  const context = canvas.getContext('2d', { willReadFrequently: true });
  if (context === null) throw new Error('This browser gives no 2D canvas, which the timeline needs.');
  parserContext = context;
  return context;
}

/** CSS text of a colour, optionally with its opacity multiplied. */
export function cssOf(colour: Rgba, opacity = 1): string {
  return `rgba(${colour.red}, ${colour.green}, ${colour.blue}, ${colour.alpha * opacity})`;
}

/** Black or white, whichever is told better from a ground (relative luminance by the sRGB weights). */
export function inkOn(colour: Rgba): string {
  const luminance = (0.2126 * colour.red + 0.7152 * colour.green + 0.0722 * colour.blue) / 255;
  return luminance > 0.45 ? '#000000' : '#ffffff';
}
