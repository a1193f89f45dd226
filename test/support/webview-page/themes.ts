// Owns the colours of three of the editor's stock themes, as far as the view reads them: dark, light, high contrast.

type Colours = Readonly<Record<string, string>>;

export interface PageTheme {
  readonly bodyClass: string;
  readonly colours: Colours;
}

const dark: Colours = {
  'editor-background': '#1f1f1f',
  'editor-foreground': '#cccccc',
  foreground: '#cccccc',
  descriptionForeground: '#9d9d9d',
  'charts-green': '#89d185',
  'charts-blue': '#59a4f9',
  'charts-yellow': '#cca700',
  'charts-orange': '#d18616',
  'charts-purple': '#b180d7',
  'charts-red': '#f14c4c',
  focusBorder: '#0078d4',
  'panel-border': '#2b2b2b',
  'editorGroup-border': '#2b2b2b',
  'editorWidget-background': '#202020',
  'editorWidget-border': '#313131',
  'list-hoverBackground': '#2a2d2e',
  'list-inactiveSelectionBackground': '#37373d',
  'list-activeSelectionBackground': '#04395e',
  'list-activeSelectionForeground': '#ffffff',
  'textLink-foreground': '#4daafc',
  'input-background': '#313131',
  'input-foreground': '#cccccc',
  'input-border': '#3c3c3c',
  'dropdown-background': '#313131',
  'dropdown-border': '#3c3c3c',
  'inputOption-activeBackground': '#2489db82',
  'inputOption-activeBorder': '#2488db',
  'editorHoverWidget-background': '#202020',
  'editorHoverWidget-border': '#454545',
  errorForeground: '#f85149',
};

const light: Colours = {
  'editor-background': '#ffffff',
  'editor-foreground': '#3b3b3b',
  foreground: '#3b3b3b',
  descriptionForeground: '#3b3b3bcc',
  'charts-green': '#388a34',
  'charts-blue': '#0063d3',
  'charts-yellow': '#bf8803',
  'charts-orange': '#d18616',
  'charts-purple': '#652d90',
  'charts-red': '#e51400',
  focusBorder: '#005fb8',
  'panel-border': '#e5e5e5',
  'editorGroup-border': '#e5e5e5',
  'editorWidget-background': '#f8f8f8',
  'editorWidget-border': '#c8c8c8',
  'list-hoverBackground': '#f2f2f2',
  'list-inactiveSelectionBackground': '#e4e6f1',
  'list-activeSelectionBackground': '#e8e8e8',
  'list-activeSelectionForeground': '#000000',
  'textLink-foreground': '#005fb8',
  'input-background': '#ffffff',
  'input-foreground': '#3b3b3b',
  'input-border': '#cecece',
  'dropdown-background': '#ffffff',
  'dropdown-border': '#cecece',
  'inputOption-activeBackground': '#bed6ed',
  'inputOption-activeBorder': '#005fb8',
  'inputOption-activeForeground': '#000000',
  'editorHoverWidget-background': '#f8f8f8',
  'editorHoverWidget-border': '#c8c8c8',
  errorForeground: '#f85149',
};

const contrast: Colours = {
  'editor-background': '#000000',
  'editor-foreground': '#ffffff',
  foreground: '#ffffff',
  descriptionForeground: '#ffffffb3',
  'charts-green': '#89d185',
  'charts-blue': '#59a4f9',
  'charts-yellow': '#ffd370',
  'charts-orange': '#f09000',
  'charts-purple': '#b180d7',
  'charts-red': '#f48771',
  focusBorder: '#f38518',
  contrastBorder: '#6fc3df',
  'panel-border': '#6fc3df',
  'editorGroup-border': '#6fc3df',
  'editorWidget-background': '#0c141f',
  'editorWidget-border': '#6fc3df',
  'list-hoverBackground': '#ffffff1a',
  'list-inactiveSelectionBackground': '#000000',
  'list-activeSelectionBackground': '#000000',
  'textLink-foreground': '#21a6ff',
  'input-background': '#000000',
  'input-foreground': '#ffffff',
  'input-border': '#6fc3df',
  'dropdown-background': '#000000',
  'dropdown-border': '#6fc3df',
  'editorHoverWidget-background': '#0c141f',
  'editorHoverWidget-border': '#6fc3df',
  errorForeground: '#f48771',
};

export const pageThemes = {
  dark: { bodyClass: 'vscode-dark', colours: dark },
  light: { bodyClass: 'vscode-light', colours: light },
  contrast: { bodyClass: 'vscode-high-contrast', colours: contrast },
} as const satisfies Readonly<Record<string, PageTheme>>;
export type PageThemeName = keyof typeof pageThemes;

/** The style sheet that the editor writes into a webview's root. */
export function themeSheet(name: PageThemeName): string {
  const lines = Object.entries(pageThemes[name].colours).map(
    ([key, value]) => `  --vscode-${key}: ${value};`,
  );
  const fonts = [
    '  --vscode-font-family: system-ui, "DejaVu Sans", sans-serif;',
    '  --vscode-editor-font-family: "DejaVu Sans Mono", monospace;',
  ];
  return `:root {\n${[...lines, ...fonts].join('\n')}\n}\n`;
}
