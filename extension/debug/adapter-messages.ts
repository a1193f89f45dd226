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

/**
 * What one debug session says, where the reason of a stop needs to know what was asked before. js-debug calls each stop
 * a pause that no breakpoint of its own made; one that nobody asked for is a `debugger` statement or a breakpoint of
 * Wakeline's.
 */
export class NodeSession {
  private pauseAsked = false;

  /** A message to the adapter. */
  asked(message: unknown): void {
    const { type, command } = fieldsOf(message);
    if (type === 'request' && command === 'pause') this.pauseAsked = true;
  }

  /** A message from the adapter; as debuggeeEvent. */
  said(message: unknown): DebuggeeEvent | undefined {
    const event = debuggeeEvent(message);
    if (event?.event !== 'stop') return event;
    const { pauseAsked } = this;
    this.pauseAsked = false;
    return event.reason === 'pause' && !pauseAsked ? { ...event, reason: 'breakpoint' } : event;
  }
}

/** Whether the message is the adapter's answer to that request, whatever it answers. */
export function answers(message: unknown, request: string): boolean {
  const { type, command } = fieldsOf(message);
  return type === 'response' && command === request;
}

function fieldsOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}
