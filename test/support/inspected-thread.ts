// Owns debugging one worker thread of a program as a debugger does: through the inspector of the main thread.
import type { InspectorClient } from './inspector-client.ts';

export interface ThreadFrame {
  readonly functionName: string;
  readonly location: { readonly lineNumber: number; readonly scriptId: string };
}

interface Told {
  readonly method?: string;
  readonly params?: { readonly callFrames?: readonly ThreadFrame[]; readonly reason?: string } & Readonly<
    Record<string, unknown>
  >;
}

export interface ThreadStop {
  readonly reason: string;
  readonly frames: readonly ThreadFrame[];
}

export class InspectedThread {
  private readonly client: InspectorClient;
  private readonly session: unknown;
  private lastId = 0;
  /** The URL of each script by its id. */
  readonly scripts = new Map<unknown, unknown>();
  private stopped: ((stop: ThreadStop) => void) | undefined;

  private constructor(client: InspectorClient, session: unknown) {
    this.client = client;
    this.session = session;
    client.on('NodeWorker.receivedMessageFromWorker', ({ sessionId, message }) => {
      if (sessionId === session) this.hear(JSON.parse(String(message)) as Told);
    });
  }

  /** The first thread that runs the file, once there is one. To be called before the program makes it. */
  static async of(client: InspectorClient, file: string): Promise<InspectedThread> {
    const attached = new Promise<unknown>((resolve) =>
      client.on('NodeWorker.attachedToWorker', ({ sessionId, workerInfo }) => {
        if ((workerInfo as { url?: string }).url?.endsWith(file) === true) resolve(sessionId);
      }),
    );
    await client.send('NodeWorker.enable', { waitForDebuggerOnStart: false });
    return new InspectedThread(client, await attached);
  }

  async send(method: string, params: Readonly<Record<string, unknown>> = {}): Promise<void> {
    this.lastId++;
    const message = JSON.stringify({ id: this.lastId, method, params });
    await this.client.send('NodeWorker.sendMessageToWorker', { sessionId: this.session, message });
  }

  /** The next stop. To be called before what makes it happen. */
  nextStop(): Promise<ThreadStop> {
    return new Promise((resolve) => {
      this.stopped = resolve;
    });
  }

  private hear({ method, params }: Told): void {
    if (method === 'Debugger.scriptParsed') this.scripts.set(params?.['scriptId'], params?.['url']);
    if (method === 'Debugger.paused')
      this.stopped?.({ reason: params?.reason ?? '', frames: params?.callFrames ?? [] });
  }
}
