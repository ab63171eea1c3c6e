// A conversation in a file: one safetensors file with its ids, its pictures' embeddings and its KV cache as
// they were computed, so that it goes on without computing its past, with the same scores bit for bit.
// Bytes: 4 an id, 4 · N · C a picture, 8 · layers · C a cached token: of Emu-14B 0.66 MB a picture and 1.6 MB
// a token, 3.4 GB a full context; of emu-mini 6 kB and 4.6 kB, 1.2 MB. Without the cache a few MB at most.
import {createHash, type Hash} from 'node:crypto';
import {existsSync, statSync} from 'node:fs';
import tf from '#tfjs';
import {z} from 'zod';
import type {Emu} from '../emu.js';
import {InputError, ModelError} from '../errors.js';
import {mapFile} from '../kernels/native/mappedFile.js';
import {Conversation} from '../model/conversation.js';
import {History} from '../model/history.js';
import {readSafetensors, type TensorToWrite, writeSafetensors} from '../weights/safetensors.js';
import type {StoredTensor} from '../weights/storedTensor.js';

const FORMAT = 'emu-chat';

const position = z.int().min(0);
const described = z.strictObject({
  format: z.literal(FORMAT),
  version: z.literal('1'),
  /** Its name, for errors; `fingerprint` says whether it is the same. */
  model: z.string(),
  fingerprint: z.string(),
  /** What computed the cache: other kernels add up in another order. */
  kernels: z.string(),
  /** JSON: the system text if one was given, turns, dropped turns, the pictures' places, cached positions. */
  chat: z.string(),
});
const chatSchema = z.strictObject({
  system: z.string().optional(),
  turns: z.array(position),
  dropped: position,
  pictures: z.array(position),
  cached: position,
});

export interface Chat {
  /** What was given as the text before the first turn. */
  readonly system: string | undefined;
  readonly conversation: Conversation;
}

function kernelsOf({backend: {name, isa, compute}}: Emu): string {
  return `${name} ${isa} ${compute}`;
}

function bytesOf(values: Float32Array | Int32Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

/** Writes a chat, whole or not at all, layer by layer; without `cache` its past is computed when it goes on. */
export function writeChat(
  file: string,
  emu: Emu,
  {conversation, system}: Chat,
  {cache}: {readonly cache: boolean},
): void {
  const {layers, hiddenSize} = emu.config.llama;
  const {numTokens} = emu.config.causalFormer;
  const {ids, pictures, turns, dropped} = conversation.history;
  const cached = cache ? conversation.cachedLength : 0;
  const hash = createHash('sha256');
  const tensor = (
    name: string,
    encoding: 'f32' | 'i32',
    shape: number[],
    values: () => Float32Array | Int32Array,
  ): TensorToWrite => {
    const data = () => {
      const bytes = bytesOf(values());
      hash.update(bytes);
      return bytes;
    };
    return {name, encoding, shape, data};
  };
  const numbers = conversation.cachedNumbers();
  const tensors = [
    tensor('ids', 'i32', [ids.length], () => Int32Array.from(ids)),
    ...pictures.map(({embeds}, i) =>
      tensor(`pictures.${i}`, 'f32', [numTokens, hiddenSize], () => embeds.dataSync<'float32'>()),
    ),
    ...cacheNames(cached > 0 ? layers : 0).map((name) =>
      tensor(name, 'f32', [cached, hiddenSize], () => numbers.next().value as Float32Array),
    ),
    // Bytes come after all larger numbers, so this is the hash of all before it.
    {name: 'sha256', encoding: 'u8', shape: [32], data: () => hash.digest()} as const,
  ];
  const chat: z.infer<typeof chatSchema> = {
    ...(system === undefined ? {} : {system}),
    turns: [...turns],
    dropped,
    pictures: pictures.map(({start}) => start),
    cached,
  };
  const description: z.infer<typeof described> = {
    format: FORMAT,
    version: '1',
    model: emu.name,
    fingerprint: emu.fingerprint,
    kernels: kernelsOf(emu),
    chat: JSON.stringify(chat),
  };
  writeSafetensors(file, tensors, description);
}

function cacheNames(layers: number): string[] {
  const numbers = Array.from({length: layers}, (_, layer) => layer);
  return [...numbers.map((layer) => `keys.${layer}`), ...numbers.map((layer) => `values.${layer}`)];
}

/**
 * Opens a chat that was saved with this model; a cache that other kernels have computed (another backend or
 * instruction set) is left where it is. Throws InputError for a file of another model, and for one that is
 * damaged or no chat.
 */
export function readChat(file: string, emu: Emu): Chat {
  if (!existsSync(file)) throw new InputError(file, 'no such file');
  if (!statSync(file).isFile()) throw new InputError(file, 'is a folder; name a saved chat');
  const mapped = mapFile(file);
  try {
    const {tensors, metadata} = notDamaged(file, () => readSafetensors(mapped));
    if (metadata.format !== FORMAT)
      throw new InputError(file, 'is no chat that emu has saved, but another safetensors file');
    const parsed = described.safeParse(metadata);
    if (!parsed.success)
      throw new InputError(file, 'was saved by a version of emu that this one does not read');
    const {model, fingerprint, kernels, chat} = parsed.data;
    if (fingerprint !== emu.fingerprint)
      throw new InputError(
        file,
        `was saved with the model ${model} as it was then, not with ${emu.name} as it is`,
        'open it with that model',
      );
    return new ChatReader(file, emu, tensors).read(chat, kernels === kernelsOf(emu));
  } finally {
    mapped.close();
  }
}

class ChatReader {
  private readonly hash: Hash = createHash('sha256');

  constructor(
    private readonly file: string,
    private readonly emu: Emu,
    private readonly tensors: ReadonlyMap<string, StoredTensor>,
  ) {}

  read(description: string, hasOwnKernels: boolean): Chat {
    const {system, turns, dropped, pictures, cached} = this.described(description);
    const {layers, hiddenSize, contextLength} = this.emu.config.llama;
    const {numTokens} = this.emu.config.causalFormer;
    const {tokenizer, model} = this.emu.conversant;
    const ids = [...this.numbers('ids', 'i32')] as number[];
    const places = new Set(pictures.flatMap((start) => [start, start + numTokens - 1]));
    const isSound =
      ids.length <= contextLength &&
      cached <= ids.length &&
      ids.every((id) => id >= 0 && id < tokenizer.vocabSize) &&
      [...places].every((place) => ids[place] === tokenizer.ids.image) &&
      turns.every((start, i) => start < ids.length && start > (turns[i - 1] ?? -1));
    if (!isSound) throw this.damaged('its turns do not fit together');
    const conversation = new Conversation(model);
    const placed: {start: number; embeds: tf.Tensor2D}[] = [];
    try {
      for (const [i, start] of pictures.entries()) {
        const values = this.numbers(`pictures.${i}`, 'f32', [numTokens, hiddenSize]);
        placed.push({start, embeds: tf.tensor2d(values.slice(), [numTokens, hiddenSize])});
      }
      const history = new History(ids, placed, turns, dropped);
      const own = this.cacheLayers(layers, [cached, hiddenSize]);
      conversation.restore(history, hasOwnKernels ? cached : 0, own);
      for (const _ of own); // what is left is read all the same: the hash is of everything
      const expected = this.tensors.get('sha256')?.read();
      if (!expected || !this.hash.digest().equals(expected))
        throw this.damaged('its numbers are not those that were written');
      return {system, conversation};
    } catch (error) {
      conversation.dispose();
      tf.dispose(placed.map(({embeds}) => embeds));
      throw error;
    }
  }

  private described(text: string): z.infer<typeof chatSchema> {
    try {
      return chatSchema.parse(JSON.parse(text));
    } catch {
      throw this.damaged('its description cannot be read');
    }
  }

  /** One layer after the other, as they are asked for. */
  private *cacheLayers(layers: number, shape: readonly [number, number]): Generator<Float32Array> {
    if (shape[0] === 0) return;
    for (const name of cacheNames(layers)) yield this.numbers(name, 'f32', shape) as Float32Array;
  }

  private numbers(
    name: string,
    encoding: 'f32' | 'i32',
    shape?: readonly number[],
  ): Float32Array | Int32Array {
    const tensor = this.tensors.get(name);
    const wanted = shape?.join() ?? tensor?.shape.join();
    if (tensor?.encoding !== encoding || tensor.shape.join() !== wanted)
      throw this.damaged(`${name} is not what it should be`);
    const bytes = notDamaged(this.file, () => tensor.read());
    this.hash.update(bytes);
    const values = [bytes.buffer as ArrayBuffer, bytes.byteOffset, bytes.byteLength / 4] as const;
    return encoding === 'f32' ? new Float32Array(...values) : new Int32Array(...values);
  }

  private damaged(problem: string): InputError {
    return new InputError(this.file, `damaged: ${problem}`, 'begin a new chat');
  }
}

/** What is wrong with a checkpoint is here wrong with a person's file. */
function notDamaged<T>(file: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof ModelError)) throw error;
    const [problem] = error.message.replace(`${file}: `, '').split('; ');
    throw new InputError(file, problem!, 'begin a new chat');
  }
}
