// How a model comes to know a conversation that it has not led: from the cache on the disk, else by
// computing the transcript again.
import {EmuError} from '../errors.js';
import type {ChatModel, ChatStatus, PastTurn} from './chatModel.js';
import {loadDrawing, loadPart} from './media.js';
import type {ChatStore} from './store.js';
import type {Turn} from './transcript.js';

export interface Past {
  readonly store: ChatStore;
  readonly turns: readonly Turn[];
  readonly system: string | undefined;
}

async function pastTurn(store: ChatStore, {parts, answer}: Turn, model: string): Promise<PastTurn> {
  const said = await Promise.all(parts.map((part) => loadPart(store, part)));
  if (answer.type === 'drawing')
    return {parts: said, answer: {type: 'image', picture: await loadDrawing(store, answer)}};
  const {text, tokens} = answer;
  return {
    parts: said,
    answer: {type: 'text', text, ...(answer.model === model ? {tokens} : {})},
  };
}

/** How many turns the cache on the disk gives to `model`; undefined where it is of no use. */
async function restored(
  model: ChatModel,
  {store, turns}: Past,
  note: (text: string) => void,
): Promise<{status: ChatStatus; known: number} | undefined> {
  if (turns.length === 0) return undefined;
  const again = 'the past is computed again';
  if (!store.hasCache) {
    note(`the chat’s saved cache is absent: ${again}`);
    return undefined;
  }
  try {
    const status = await model.restore(store.cacheFile);
    const known = status.turns + status.droppedTurns;
    if (known <= turns.length) return {status, known};
    note(`the chat’s saved cache has ${known} turns, its transcript ${turns.length}: ${again}`);
  } catch (error) {
    if (!(error instanceof EmuError)) throw error;
    note(`${error.message}; ${again}`);
  }
  store.dropCache();
  return undefined;
}

/**
 * Has `model` know the past, all of it or what fits. What has to be computed again is told to `note`,
 * once.
 */
export async function takeUpPast(
  model: ChatModel,
  past: Past,
  note: (text: string) => void,
  signal?: AbortSignal,
): Promise<ChatStatus> {
  const {store, turns, system} = past;
  const found = await restored(model, past, note);
  const status = found?.status ?? (await model.begin(system));
  const missing = turns.slice(found?.known ?? 0);
  if (missing.length === 0) return status;
  const recalled: PastTurn[] = [];
  for (const turn of missing) recalled.push(await pastTurn(store, turn, model.info.name));
  return model.recall(recalled, signal);
}
