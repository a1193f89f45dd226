// Owns making DOM elements: text is always text, never markup, because names come from the traced program.

type Child = Node | string | null;

/** Attributes as they are written; a boolean is present or absent. */
export type Attributes = Readonly<Record<string, string | number | boolean>>;

export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === true) made.setAttribute(name, '');
    else if (value !== false) made.setAttribute(name, String(value));
  }
  for (const child of children) if (child !== null) made.append(child);
  return made;
}

/** Sets text only when it changed: a live region would read it out again, and layout would be done anew. */
export function setText(target: HTMLElement, text: string): void {
  if (target.textContent !== text) target.textContent = text;
}

export function setAttribute(target: Element, name: string, value: string): void {
  if (target.getAttribute(name) !== value) target.setAttribute(name, value);
}

/** Outlines of the toolbar's icons on a grid of 16 × 16. */
const iconPaths = {
  follow: 'M2 8h9 M8 4.5 11.5 8 8 11.5 M14 3v10',
  pause: 'M5.5 3.5v9 M10.5 3.5v9',
  play: 'M5 3.5v9l7.5-4.5z',
  record: 'M8 5a3 3 0 1 1 0 6a3 3 0 1 1 0-6z',
  zoomIn: 'M8 3.5v9 M3.5 8h9',
  zoomOut: 'M3.5 8h9',
  fit: 'M2 3v10 M14 3v10 M4.5 8h7 M6.5 6l-2 2 2 2 M9.5 6l2 2-2 2',
  legend: 'M3 4.5h2 M7.5 4.5H13 M3 8h2 M7.5 8H13 M3 11.5h2 M7.5 11.5H13',
  help: 'M5.8 6a2.2 2.2 0 1 1 3.2 2c-.7.4-1 .8-1 1.6 M8 12v.6',
  close: 'M4 4l8 8 M12 4l-8 8',
  calls: 'M2.5 3.5h11 M5 7h8.5 M7.5 10.5h6 M7.5 13.5h6',
  filter: 'M2.5 4h11 M4.5 8h7 M6.5 12h3',
} as const;
export type IconName = keyof typeof iconPaths;

export function icon(name: IconName): SVGSVGElement {
  const space = 'http://www.w3.org/2000/svg';
  const svg = document.createElementNS(space, 'svg');
  svg.setAttribute('viewBox', '0 0 16 16');
  svg.setAttribute('class', 'icon');
  svg.setAttribute('aria-hidden', 'true');
  const path = document.createElementNS(space, 'path');
  path.setAttribute('d', iconPaths[name]);
  svg.append(path);
  return svg;
}

export function iconButton(
  name: IconName,
  label: string,
  keys: string,
  onClick: () => void,
): HTMLButtonElement {
  const button = element('button', {
    type: 'button',
    class: 'icon-button',
    title: keys === '' ? label : `${label} (${keys})`,
    'aria-label': label,
  });
  button.append(icon(name));
  button.addEventListener('click', onClick);
  return button;
}
