import {Worker} from 'node:worker_threads';
import type {Addon} from '../kernels/native/addon.js';
import {fromWire} from '../wireError.js';
import {leaveBy, onInterrupt} from './interrupt.js';
import type {Calls, Cancel, Method, Reply, Request} from './modelProtocol.js';

interface Pending {
  resolve(result: unknown): void;
  reject(error: unknown): void;
  onEvent: ((event: never) => void) | undefined;
}

/**
 * The model in a thread of its own, so that the terminal stays live: progress is drawn and Ctrl-C is
 * heard while it computes.
 */
export class ModelHost {
  private readonly worker: Worker;
  private readonly pending = new Map<number, Pending>();
  private readonly release: () => void;
  private nextId = 0;

  private constructor(private readonly addon: Addon | undefined) {
    // Nothing that a library prints may reach stdout: it carries results only.
    this.worker = new Worker(new URL('./modelWorker.js', import.meta.url), {stdout: true});
    this.worker.stdout.pipe(process.stderr, {end: false});
    this.worker.on('message', (reply: Reply) => this.receive(reply));
    this.worker.on('error', (error) => this.failAll(error));
    this.worker.on('exit', () => this.failAll(new Error('the model thread ended early')));
    this.release = onInterrupt(() => this.cancelKernels());
  }

  /** Starts the thread. Native calls would delay Ctrl-C: what stops them is at hand before. */
  static async start(): Promise<ModelHost> {
    const {loadAddon} = await import('../kernels/native/addon.js');
    const addon = loadAddon();
    if (addon) leaveBy((code) => addon.exitNow(code));
    return new ModelHost(addon);
  }

  /**
   * Calls `method` in the worker; what it tells on the way goes to `onEvent`. A call that knows how to be
   * stopped ends soon after `signal` is aborted.
   */
  call<M extends Method>(
    method: M,
    params: Calls[M]['params'],
    onEvent?: (event: Calls[M]['event']) => void,
    signal?: AbortSignal,
  ): Promise<Calls[M]['result']> {
    const id = this.nextId++;
    const answer = new Promise((resolve, reject) => {
      this.pending.set(id, {resolve, reject, onEvent});
    });
    this.worker.postMessage({id, method, params} satisfies Request);
    const stop = () => this.stop(id);
    if (signal?.aborted) stop();
    signal?.addEventListener('abort', stop, {once: true});
    const left = answer.finally(() => signal?.removeEventListener('abort', stop));
    return left as Promise<Calls[M]['result']>;
  }

  private stop(id: number): void {
    if (!this.pending.has(id)) return;
    // A long native call hears of nothing else; but it would stop other calls, too.
    if (this.pending.size === 1) this.cancelKernels();
    this.worker.postMessage({cancel: id} satisfies Cancel);
  }

  /** Ends the thread and with it what it holds: weights, mapped files. */
  async close(): Promise<void> {
    this.release();
    this.cancelKernels();
    this.worker.removeAllListeners('exit');
    await this.worker.terminate();
    this.addon?.cancel(false); // for another model in this process
  }

  /** Has the kernels of every thread stop at their next tile. */
  private cancelKernels(): void {
    this.addon?.cancel(true);
  }

  private receive(reply: Reply): void {
    const call = this.pending.get(reply.id);
    if (!call) return;
    if ('event' in reply) {
      call.onEvent?.(reply.event as never);
      return;
    }
    this.pending.delete(reply.id);
    if ('error' in reply) call.reject(fromWire(reply.error));
    else call.resolve(reply.result);
  }

  private failAll(error: Error): void {
    for (const call of this.pending.values()) call.reject(error);
    this.pending.clear();
  }
}
