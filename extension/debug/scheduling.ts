// Owns scheduling breakpoints as an adapter is asked for them: which words of the program are written, in each
// debugger's own language, and what its answer means. Pure; the words are the probe's, in breakpoints.rs.

/** Where the program comes when a condition is met. */
export const stopFunction = 'wakeline_breakpoint';

export type Condition =
  | { readonly on: 'poll'; readonly task: number }
  | { readonly on: 'wake'; readonly task: number }
  | { readonly on: 'longPoll'; readonly ms: number };

export interface EvaluateArguments {
  readonly expression: string;
  readonly context: string;
}

/** The gate's bit that tells the hooks to look. A gate of 0 is for good: nothing is recorded. */
const lookBit = 128;

function word(condition: Condition): { name: string; value: string } {
  if (condition.on === 'poll') return { name: 'wakeline_break_on_poll', value: String(condition.task) };
  if (condition.on === 'wake') return { name: 'wakeline_break_on_wake', value: String(condition.task) };
  return { name: 'wakeline_break_longer_than_ns', value: String(Math.round(condition.ms * 1e6)) };
}

/** In C, which every native debugger evaluates without calling into the program. Its value is the gate. */
function expressionOf(condition: Condition): string {
  const { name, value } = word(condition);
  const gate = '*(unsigned int *)&wakeline_gate';
  return `*(unsigned long long *)&${name} = ${value}, ${gate} |= (${gate} ? ${lookBit} : 0), ${gate}`;
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

/** What was wrong, for the person who asked; empty when the condition is set. */
export function problemOf(answer: unknown): string {
  const result =
    typeof answer === 'object' && answer !== null && 'result' in answer ? answer.result : undefined;
  const text = typeof result === 'string' ? result : '';
  // `(unsigned int) $0 = 387` of lldb, `$1 = 387` of gdb.
  const gate = /\$\d+ = (\d+)\s*$/.exec(text.trim())?.[1];
  if (gate === undefined)
    return `the debugger could not write the condition${text === '' ? '' : `: ${text.trim().slice(0, 300)}`}. Does the program have Wakeline’s probe, and its symbols?`;
  if ((Number(gate) & lookBit) === 0)
    return 'the program is not recorded, so the condition would never be looked at. Start it from this window, with the probe’s init at the beginning of main';
  return '';
}
