// Owns what messages of a debug adapter mean for the trace: that the program stopped, or goes on.
// Pure: it sees messages and gives events; who listens and who is told is the tracker's business.

export interface StopEvent {
  readonly event: 'stop';
  readonly reason: 'unknown' | 'breakpoint' | 'step' | 'pause' | 'exception' | 'entry';
  /** The adapter's thread id. */
  readonly threadId: number;
}
export type DebuggeeEvent = StopEvent | { readonly event: 'continue' };

const reasons: Readonly<Record<string, StopEvent['reason']>> = {
  breakpoint: 'breakpoint',
  'function breakpoint': 'breakpoint',
  'data breakpoint': 'breakpoint',
  'instruction breakpoint': 'breakpoint',
  step: 'step',
  pause: 'pause',
  exception: 'exception',
  entry: 'entry',
};

/** Requests after whose success the program runs. Adapters need not send `continued` for them. */
const resuming: ReadonlySet<string> = new Set([
  'continue',
  'next',
  'stepIn',
  'stepOut',
  'stepBack',
  'reverseContinue',
  'goto',
]);

/** What a message from the adapter says; undefined when nothing of stopping or running. */
export function debuggeeEvent(message: unknown): DebuggeeEvent | undefined {
  const { type, event, body, command, success } = fieldsOf(message);
  if (type === 'event' && event === 'stopped') {
    const { reason, threadId, description } = fieldsOf(body);
    // lldb-dap 19 stops a program by a signal when it is told to pause it, and calls that an exception.
    const isPause = reason === 'exception' && description === 'signal SIGSTOP';
    return {
      event: 'stop',
      reason: isPause ? 'pause' : (reasons[String(reason)] ?? 'unknown'),
      threadId: typeof threadId === 'number' && threadId > 0 ? threadId : 0,
    };
  }
  if (type === 'event' && (event === 'continued' || event === 'terminated' || event === 'exited'))
    return { event: 'continue' };
  if (type === 'response' && success === true && resuming.has(String(command))) return { event: 'continue' };
  return undefined;
}

/** Whether the message is the adapter's answer to that request, whatever it answers. */
export function answers(message: unknown, request: string): boolean {
  const { type, command } = fieldsOf(message);
  return type === 'response' && command === request;
}

function fieldsOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}
