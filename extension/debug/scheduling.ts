// Owns scheduling breakpoints as an adapter is asked for them: which words of the program are written, in each
// debugger's own language, and what its answer means. Pure; the words are the probe's, in breakpoints.rs.

import type { BreakCondition } from '../messages/queries.ts';

/** Where the program comes when a condition is met. */
export const stopFunction = 'wakeline_breakpoint';

export type Condition =
  | { readonly on: 'poll'; readonly task: number }
  | { readonly on: 'wake'; readonly task: number }
  | { readonly on: 'longPoll'; readonly ms: number }
  /** Takes away all conditions that are set. */
  | { readonly on: 'nothing' };

export interface EvaluateArguments {
  readonly expression: string;
  readonly context: string;
}

/** The gate's bit that tells the hooks to look. A gate of 0 is for good: nothing is recorded. */
const lookBit = 128;

const words = {
  poll: 'wakeline_break_on_poll',
  wake: 'wakeline_break_on_wake',
  longPoll: 'wakeline_break_longer_than_ns',
} as const;

function write(word: string, value: number): string {
  return `*(unsigned long long *)&${word} = ${value}`;
}

/** In C, which every native debugger evaluates without calling into the program. Its value is the gate. */
function expressionOf(condition: Condition): string {
  const gate = '*(unsigned int *)&wakeline_gate';
  if (condition.on === 'nothing') {
    const all = Object.values(words).map((word) => write(word, 0));
    return `${all.join(', ')}, ${gate} &= ~${lookBit}u, ${gate}`;
  }
  const value = condition.on === 'longPoll' ? Math.round(condition.ms * 1e6) : condition.task;
  return `${write(words[condition.on], value)}, ${gate} |= (${gate} ? ${lookBit} : 0), ${gate}`;
}

/** Whether the programs of this debug type are Node's: they take their conditions from the collector. */
export function isNodes(debugType: string): boolean {
  return debugType === 'node' || debugType === 'pwa-node';
}

/** A condition as the collector is told of it. */
export function sentCondition(condition: Condition): { on: BreakCondition; value: number } {
  if (condition.on === 'nothing') return { on: 'clear', value: 0 };
  if (condition.on === 'longPoll')
    return { on: 'longPoll', value: Math.max(1, Math.round(condition.ms * 1e6)) };
  return { on: condition.on, value: condition.task };
}

/** How the adapter of this debug type is asked; undefined for one that debugs no native program. */
export function evaluateArguments(debugType: string, condition: Condition): EvaluateArguments | undefined {
  const expression = expressionOf(condition);
  // lldb-dap takes a command of lldb behind a back-tick, CodeLLDB in a context of its own, cppdbg behind -exec.
  if (debugType === 'lldb-dap') return { expression: `\`expression -l c -- ${expression}`, context: 'repl' };
  if (debugType === 'lldb') return { expression: `expression -l c -- ${expression}`, context: '_command' };
  if (debugType === 'cppdbg')
    return { expression: `-exec with language c -- print ${expression}`, context: 'repl' };
  return undefined;
}

/** What was wrong, for the person who asked; empty when the condition is set, or all are taken away. */
export function problemOf(answer: unknown, condition: Condition['on']): string {
  const result =
    typeof answer === 'object' && answer !== null && 'result' in answer ? answer.result : undefined;
  const text = typeof result === 'string' ? result : '';
  // `(unsigned int) $0 = 387` of lldb, `$1 = 387` of gdb, which may warn in a line of its own that the frame is not of C.
  const gate = /\$\d+ = (\d+)\s*$/m.exec(text)?.[1];
  if (gate === undefined)
    return `the debugger could not write the condition${text === '' ? '' : `: ${text.trim().slice(0, 300)}`}. Does the program have Wakeline’s probe, and its symbols?`;
  if (condition === 'nothing') return '';
  if ((Number(gate) & lookBit) === 0)
    return 'the program is not recorded, so the condition would never be looked at. Start it from this window, with the probe’s init at the beginning of main';
  return '';
}
