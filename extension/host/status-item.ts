// Owns the status bar item: the state of the shown session in a few words.
import * as vscode from 'vscode';
import type { SessionSummary } from '../messages/queries.ts';
import type { TraceHost } from './trace-host.ts';

export function createStatusItem(host: TraceHost): vscode.Disposable {
  const item = vscode.window.createStatusBarItem('wakeline.status', vscode.StatusBarAlignment.Left, 10);
  item.name = 'Wakeline';
  item.command = 'wakeline.showTimeline';
  const update = () => {
    const { text, tooltip, warn } = statusOf(host.shown);
    item.text = text;
    item.tooltip = tooltip;
    item.backgroundColor = warn ? new vscode.ThemeColor('statusBarItem.warningBackground') : undefined;
    item.show();
  };
  update();
  return vscode.Disposable.from(item, host.onDidChange(update));
}

function statusOf(session: SessionSummary | undefined): { text: string; tooltip: string; warn: boolean } {
  if (session === undefined)
    return {
      text: '$(pulse) Wakeline',
      tooltip: 'Wakeline: no program is traced. Press F5 on a Node program, or on one that has the probe.',
      warn: false,
    };
  const { totals } = session;
  const state = session.stopped ? 'stopped' : session.state;
  const icon = {
    live: '$(record)',
    stopped: '$(debug-pause)',
    ended: '$(check)',
    cut: '$(warning)',
    opened: '$(book)',
  }[state];
  const name = session.program.split(/[\\/]/).at(-1) ?? session.program;
  const lost = totals.dropped > 0 ? ` · ${totals.dropped} lost` : '';
  return {
    text: `${icon} Wakeline: ${state} · ${totals.tasks} ${totals.tasks === 1 ? 'task' : 'tasks'}${lost}`,
    tooltip:
      `${name} (${session.tier}, pid ${session.pid}): ${totals.polls} polls, ${totals.wakes} wakes, ` +
      `${totals.reactorParks} parks${session.problem === '' ? '' : `\n${session.problem}`}`,
    warn: totals.dropped > 0 || session.problem !== '',
  };
}
