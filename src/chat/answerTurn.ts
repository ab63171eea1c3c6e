// One turn of the model: an answer that streams, or a picture that forms.
import type {Picture} from '../data/picture.js';
import {encodePng} from '../data/png.js';
import type {ChatLog} from './chatLog.js';
import type {AnswerOptions, ChatDrawOptions, ChatModel, ChatPart} from './chatModel.js';
import {showDrawing} from './showTurn.js';
import type {ChatStore} from './store.js';
import {type Question, questionText, type TurnAnswer} from './transcript.js';

/** Who answers, what shows it, what stops it. */
interface Turning {
  readonly log: ChatLog;
  readonly model: ChatModel;
  readonly signal: AbortSignal;
}

/** Undefined where it was stopped before it said anything. */
export async function answerTurn(
  {log, model, signal}: Turning,
  parts: readonly ChatPart[],
  asked: AnswerOptions,
  attempt: number,
): Promise<TurnAnswer | undefined> {
  // The likeliest answer would be the same again.
  const again = {sample: true, numBeams: 1, seed: (asked.seed ?? 0) + attempt};
  const options = attempt > 0 ? {...asked, ...again} : asked;
  log.update({live: {type: 'answer', text: ''}});
  let said = '';
  const onText = (delta: string) => {
    said += delta;
    log.update({live: {type: 'answer', text: said}});
  };
  const {text, isStopped, ...facts} = await model.ask(parts, options, onText, signal);
  if (isStopped && text.trim() === '') return undefined;
  log.know(facts.status);
  log.update({live: undefined, tokensPerSecond: facts.tokensPerSecond});
  log.add({type: 'answer', text, isStopped, facts});
  const {name} = model.info;
  return {type: 'text', text, tokens: [...facts.tokens], isStopped, model: name};
}

/** A frame with a picture takes the screen some 20 ms, in which keys wait. */
const SHOWN_EVERY_MS = 200;

/** Draws, keeps the picture in `store`; undefined where it was stopped. */
export async function drawTurn(
  {log, model, signal}: Turning,
  store: ChatStore,
  {parts: asked}: Question,
  parts: readonly ChatPart[],
  options: ChatDrawOptions,
  attempt: number,
): Promise<TurnAnswer | undefined> {
  const seed = (options.seed ?? 0) + attempt;
  log.update({live: {type: 'busy', what: 'drawing'}});
  let preview: Picture | undefined;
  let shownAt = Number.NEGATIVE_INFINITY;
  const drawn = await model.draw(
    parts,
    {...options, seed},
    (event) => {
      if (event.type !== 'step') return;
      const {step, steps} = event;
      preview = event.preview ?? preview;
      if (performance.now() - shownAt < SHOWN_EVERY_MS && step < steps) return;
      shownAt = performance.now();
      log.update({live: {type: 'drawing', step, steps, preview}});
    },
    signal,
  );
  if (!drawn.drawing) return undefined;
  const {picture, isFlagged} = drawn.drawing;
  const prompt = questionText(asked);
  const about = `${prompt}\nSeed: ${drawn.drawing.seed}, Model: ${model.info.name}`;
  const file = store.keep(await encodePng(picture, {parameters: about}), 'png');
  const {name} = model.info;
  const answer = {
    type: 'drawing',
    file,
    seed: drawn.drawing.seed,
    isFlagged,
    model: name,
  } as const;
  log.know(drawn.status);
  log.update({live: undefined});
  await showDrawing(log, store, answer, asked, false);
  return answer;
}
