// Owns reading the extension's settings; package.json owns their names, meaning and defaults.
import * as vscode from 'vscode';

export function setting<T>(name: string, otherwise: T): T {
  return vscode.workspace.getConfiguration('wakeline').get<T>(name, otherwise);
}
