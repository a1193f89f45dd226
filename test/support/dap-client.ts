// Owns a debug adapter on its standard streams, for tests: requests with their answers, events. Knows no adapter's
// own language.
import { type ChildProcess, spawn } from 'node:child_process';

interface Message {
  readonly type: string;
  readonly event?: string;
  readonly request_seq?: number;
  readonly success?: boolean;
  readonly message?: string;
  readonly body?: Record<string, unknown>;
}

export class DapClient {
  private readonly child: ChildProcess;
  private buffer = Buffer.alloc(0);
  private sequence = 0;
  private readonly answers = new Map<number, (message: Message) => void>();
  private readonly events: Message[] = [];
  private heard: () => void = () => {};

  constructor(command: string) {
    this.child = spawn(command, [], { stdio: ['pipe', 'pipe', 'ignore'] });
    this.child.stdout?.on('data', (bytes: Buffer) => this.receive(bytes));
  }

  /** Rejects when the adapter says no, or nothing for 30 s. */
  request(command: string, args: object = {}): Promise<Record<string, unknown>> {
    const seq = ++this.sequence;
    const text = JSON.stringify({ seq, type: 'request', command, arguments: args });
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`${command} was not answered`)), 180_000);
      this.answers.set(seq, (message) => {
        clearTimeout(timer);
        if (message.success === true) resolve(message.body ?? {});
        else reject(new Error(`${command}: ${message.message ?? JSON.stringify(message.body)}`));
      });
      this.child.stdin?.write(`Content-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`);
    });
  }

  /** The next event of this name that was not taken yet. */
  async event(name: string): Promise<Record<string, unknown>> {
    const deadlineMs = Date.now() + 180_000;
    for (;;) {
      const at = this.events.findIndex((each) => each.event === name);
      if (at >= 0) return this.events.splice(at, 1)[0]?.body ?? {};
      if (Date.now() > deadlineMs) throw new Error(`the adapter did not say ${name}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, 200);
        this.heard = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  stop(): void {
    this.child.kill('SIGKILL');
  }

  private receive(bytes: Buffer): void {
    this.buffer = Buffer.concat([this.buffer, bytes]);
    for (;;) {
      const head = /Content-Length: (\d+)\r\n\r\n/.exec(this.buffer.toString('latin1'));
      if (head === null) return;
      const from = head.index + head[0].length;
      const to = from + Number(head[1]);
      if (this.buffer.length < to) return;
      const message = JSON.parse(this.buffer.toString('utf8', from, to)) as Message;
      this.buffer = this.buffer.subarray(to);
      if (message.type === 'event') this.events.push(message);
      else this.answers.get(message.request_seq ?? 0)?.(message);
      this.heard();
    }
  }
}
