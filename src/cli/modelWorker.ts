// The model's thread: takes calls from modelHost.ts, one after the other.
import {parentPort} from 'node:worker_threads';
import {chatHandlers} from '../chat/chatCalls.js';
import type {Emu, Item, TextOptions, TextResult, TraceTensor} from '../emu.js';
import {resumeKernels} from '../kernels/cancelled.js';
import {toWire} from '../wireError.js';
import type {Calls, Cancel, Method, Reply, Request, TraceResult} from './modelProtocol.js';

type Handler<M extends Method> = (
  params: Calls[M]['params'],
  tell: (event: Calls[M]['event']) => void,
  /** Aborted when the call is to stop. */
  signal: AbortSignal,
) => Promise<Calls[M]['result']>;

let emu: Emu | undefined;

function loaded(): Emu {
  if (!emu) throw new Error('model worker: expected a call of load first');
  return emu;
}

async function answer(
  items: Item[],
  options: TextOptions,
  tell: (delta: string) => void,
): Promise<TextResult> {
  for await (const event of loaded().generateText(items, options)) {
    if (event.type === 'done') return event.result;
    tell(event.delta);
  }
  throw new Error('generateText ended without a result');
}

async function writeTrace(
  file: string,
  traced: ReadonlyMap<string, TraceTensor>,
): Promise<TraceResult> {
  const {writeSafetensors} = await import('../weights/safetensors.js');
  const tensors = [...traced].map(([name, {shape, data}]) => ({
    name,
    shape,
    encoding: 'f32' as const,
    data: new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
  }));
  writeSafetensors(file, tensors);
  return {file, tensors: Object.fromEntries(tensors.map(({name, shape}) => [name, shape]))};
}

const handlers: {[M in Method]: Handler<M>} = {
  ...chatHandlers(loaded),

  async load({model, options, coreSharers = 1}) {
    const {Emu} = await import('../emu.js');
    const {selectRankBackend} = await import('../train/mpi/selectRankBackend.js');
    const threads =
      coreSharers > 1 ? {threads: selectRankBackend({coreSharers}, options).threads} : {};
    emu = await Emu.load(model, {...options, ...threads});
    const {name, mode, backend, loadSeconds, config, placement, notes} = emu;
    const {imageSize} = config.vision;
    const {contextLength} = config.llama;
    const layers = placement && {device: placement.deviceLayers, host: placement.hostLayers};
    const facts = {name, mode, backend, loadSeconds, imageSize, contextLength, notes};
    return {...facts, ...(layers ? {layers} : {})};
  },

  async generateText({items, options}, tell) {
    return answer(items, options, tell);
  },

  async generateTexts({requests, options}) {
    return loaded().generateTexts(requests, options);
  },

  async scoreCandidates({items, candidates, options}) {
    return loaded().scoreCandidates(items, candidates, options);
  },

  async embed({items}) {
    return loaded().embed(items);
  },

  async visionId() {
    return loaded().visionId();
  },

  async countTokens({requests, options}) {
    return requests.map((items) => loaded().countTokens(items, options));
  },

  async unknownWords({texts}) {
    return texts.map((text) => loaded().unknownWords(text));
  },

  async generateImage({items, options}, tell) {
    for await (const event of loaded().generateImage(items, options)) {
      if (event.type === 'done') return event.result;
      tell(event);
    }
    throw new Error('generateImage ended without a result');
  },

  async trace({items, options, tokens, file}) {
    const greedy = {...options, numBeams: 1, maxTokens: tokens};
    const following = tokens > 0 ? (await answer(items, greedy, () => {})).tokens : [];
    return writeTrace(file, loaded().trace(items, options, following));
  },

  async traceImage({items, options, file}) {
    return writeTrace(file, await loaded().traceImage(items, options));
  },

  async convert({model, out, options}) {
    const {convertModel} = await import('../weights/convertModel.js');
    return convertModel(model, out, options);
  },

  async bench(options, tell) {
    const {bench} = await import('./bench.js');
    return bench(options, tell);
  },

  async benchTrain({backend: wanted, ...options}, tell) {
    const {selectBackend} = await import('../kernels/backend.js');
    const {benchTrain} = await import('../train/benchTrain.js');
    const backend = selectBackend(wanted);
    const onNote = (note: string) => tell({note});
    const result = await benchTrain({...options, onNote}, (fraction) => tell({fraction}));
    const peakMemory = process.resourceUsage().maxRSS * 1024;
    return {...backend, ...result, peakMemory};
  },

  async train({backend: wanted, stage, ...options}, tell) {
    const {withCommunicator} = await import('../train/mpi/communicator.js');
    const {selectRankBackend} = await import('../train/mpi/selectRankBackend.js');
    const {runStage} = await import('../train/run.js');
    return withCommunicator(async (ranks) => {
      const backend = selectRankBackend(ranks, wanted);
      if (backend.note && ranks.rank === 0) tell({note: backend.note});
      await runStage(stage, {
        ...options,
        ranks,
        onNote: (note) => ranks.rank === 0 && tell({note}),
        onProgress: (progress) => ranks.rank === 0 && tell({progress}),
      });
      return {backend, rank: ranks.rank};
    });
  },
};

const port = parentPort!;

const controllers = new Map<number, AbortController>();

async function serve({id, method, params}: Request, signal: AbortSignal): Promise<void> {
  const send = (reply: Reply) => port.postMessage(reply);
  try {
    const handler = handlers[method] as Handler<Method>;
    send({id, result: await handler(params as never, (event) => send({id, event}), signal)});
  } catch (error) {
    send({id, error: toWire(error)});
  } finally {
    controllers.delete(id);
  }
}

let last = Promise.resolve();
port.on('message', (message: Request | Cancel) => {
  if ('cancel' in message) {
    // The host may have stopped the kernels too: they have done their part.
    resumeKernels();
    controllers.get(message.cancel)?.abort();
    return;
  }
  const controller = new AbortController();
  controllers.set(message.id, controller);
  last = last.then(() => serve(message, controller.signal));
});
