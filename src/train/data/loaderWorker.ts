// The loader's thread: opens the sources, then makes the batches of the steps that it is asked for.
import {parentPort, workerData} from 'node:worker_threads';
import {toWire} from '../../wireError.js';
import {BatchMaker, type BatchOptions} from './batchMaker.js';
import type {LoaderReply, LoaderRequest} from './loaderProtocol.js';

const port = parentPort!;
const send = (reply: LoaderReply, buffers: ArrayBuffer[] = []) => port.postMessage(reply, buffers);

async function serve(maker: BatchMaker, {step}: LoaderRequest): Promise<void> {
  try {
    const made = await maker.step(step);
    const {pixels, targets} = made.batch;
    const buffers = [pixels, targets].flatMap((values) => (values?.buffer as ArrayBuffer) ?? []);
    send({step, made}, buffers);
  } catch (error) {
    send({step, error: toWire(error)});
  }
}

try {
  const maker = await BatchMaker.open(workerData as BatchOptions);
  let last = Promise.resolve();
  port.on('message', (request: LoaderRequest) => {
    last = last.then(() => serve(maker, request));
  });
  send({sources: maker.sources});
} catch (error) {
  send({error: toWire(error)});
}
