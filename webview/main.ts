// Owns the start of the webview: finds VS Code's interface and the root element, and starts the view.
import './webview.css';
import { App } from './app.ts';
import type { WebviewApi } from './transport/host-link.ts';

declare function acquireVsCodeApi(): WebviewApi;

function rootElement(): HTMLElement {
  const present = document.getElementById('root');
  if (present !== null) return present;
  const made = document.createElement('main');
  made.id = 'root';
  document.body.append(made);
  return made;
}

new App(rootElement(), acquireVsCodeApi()).start();
