// Owns a small debugger for tests: it speaks the inspector's protocol with a Node program started with --inspect.
// A WebSocket of its own over net, because Node 20 has none and a session from another thread aborts Node 20.
import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';

const textFrame = 0x81;
const maskBit = 0x80;
/** Stands for the length, which follows in 16 bits: a text up to 64 KiB. */
const lengthInTwoBytes = 126;

type EventParameters = Readonly<Record<string, unknown>>;

interface Answer<T> {
  readonly resolve: (value: T) => void;
  readonly reject: (why: Error) => void;
}

interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly params?: EventParameters;
}

export class InspectorClient {
  private readonly socket: Socket;
  private received = Buffer.alloc(0);
  private lastId = 0;
  /** The URL of each script by its id: frames of a stack do not always have it. */
  readonly scripts = new Map<unknown, unknown>();
  private readonly answers = new Map<number, Answer<void>>();
  private readonly waiting = new Map<string, Answer<EventParameters>>();
  private readonly listeners = new Map<string, (parameters: EventParameters) => void>();

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (bytes: Buffer) => this.take(bytes));
    // The program may end first; that is no failure of the test.
    socket.on('error', () => undefined);
    socket.on('close', () => this.gone());
  }

  /** `stderr` is what a program started with --inspect has printed so far; undefined while it has not told its address. */
  static addressIn(stderr: string): URL | undefined {
    const address = /ws:\/\/\S+/.exec(stderr)?.[0];
    return address === undefined ? undefined : new URL(address);
  }

  static async connect(address: URL): Promise<InspectorClient> {
    const socket = connect(Number(address.port), address.hostname);
    const key = randomBytes(16).toString('base64');
    socket.write(
      `GET ${address.pathname} HTTP/1.1\r\nHost: ${address.host}\r\nUpgrade: websocket\r\n` +
        `Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\n\r\n`,
    );
    let head = Buffer.alloc(0);
    while (!head.includes('\r\n\r\n')) {
      const bytes = await new Promise<Buffer>((resolve, reject) => {
        socket.once('data', resolve);
        socket.once('error', reject);
        socket.once('end', () => reject(new Error('the inspector hung up')));
      });
      head = Buffer.concat([head, bytes]);
    }
    if (!head.toString('latin1').startsWith('HTTP/1.1 101')) throw new Error(`no inspector: ${head}`);
    return new InspectorClient(socket);
  }

  /** Sends a command and waits for its answer. */
  send(method: string, params: Readonly<Record<string, unknown>> = {}): Promise<void> {
    this.lastId++;
    const id = this.lastId;
    const text = Buffer.from(JSON.stringify({ id, method, params }));
    const head = Buffer.from([textFrame, maskBit | lengthInTwoBytes, 0, 0]);
    head.writeUInt16BE(text.length, 2);
    // A client's frames are masked; a mask of zeros leaves the text as it is.
    this.socket.write(Buffer.concat([head, Buffer.alloc(4), text]));
    return new Promise((resolve, reject) => this.answers.set(id, { resolve, reject }));
  }

  /** The next event of that name. To be called before what makes it happen. */
  event(method: string): Promise<EventParameters> {
    return new Promise((resolve, reject) => this.waiting.set(method, { resolve, reject }));
  }

  /** Hands over each event of that name. */
  on(method: string, listener: (parameters: EventParameters) => void): void {
    this.listeners.set(method, listener);
  }

  /** Stops the program. It may be asked at a moment when V8 lets nothing be stopped, and forgets it: so again and again. */
  async pause(): Promise<void> {
    let isPaused = false;
    const paused = this.event('Debugger.paused').then(() => {
      isPaused = true;
    });
    while (!isPaused) {
      await this.send('Debugger.pause');
      await Promise.race([paused, new Promise((resolve) => setTimeout(resolve, 500))]);
    }
  }

  /** What was not answered by now is not asked any more. */
  close(): void {
    this.answers.clear();
    this.waiting.clear();
    this.socket.destroy();
  }

  /** The program has gone: who waits for it would wait for ever. */
  private gone(): void {
    for (const [id, { reject }] of this.answers) reject(new Error(`command ${id} was not answered`));
    for (const [name, { reject }] of this.waiting) reject(new Error(`${name} did not come`));
    this.answers.clear();
    this.waiting.clear();
  }

  private take(bytes: Buffer): void {
    this.received = Buffer.concat([this.received, bytes]);
    for (;;) {
      const short = (this.received[1] ?? 0) & 0x7f;
      const headBytes = short < 126 ? 2 : short === 126 ? 4 : 10;
      if (this.received.length < headBytes) return;
      const length =
        short < 126
          ? short
          : short === 126
            ? this.received.readUInt16BE(2)
            : Number(this.received.readBigUInt64BE(2));
      if (this.received.length < headBytes + length) return;
      const text = this.received.toString('utf8', headBytes, headBytes + length);
      this.received = this.received.subarray(headBytes + length);
      this.hear(JSON.parse(text) as Message);
    }
  }

  private hear({ id, method, params }: Message): void {
    if (id !== undefined) {
      this.answers.get(id)?.resolve();
      this.answers.delete(id);
    }
    if (method === 'Debugger.scriptParsed') this.scripts.set(params?.['scriptId'], params?.['url']);
    if (method !== undefined) {
      this.listeners.get(method)?.(params ?? {});
      this.waiting.get(method)?.resolve(params ?? {});
      this.waiting.delete(method);
    }
  }
}
