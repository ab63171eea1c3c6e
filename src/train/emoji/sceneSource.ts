// Conversations about scenes and clips as a data set: what emu-mini's instruct stage learns from.
import type {Dataset, PreparedPicture, Sample, SamplePart} from '../../data/dataset.js';
import {drawnPixels} from '../../data/preprocess.js';
import {EmuError} from '../../errors.js';
import type {Random} from '../../random.js';
import {buildPrompt, imagePlaceholder, type PromptRequest} from '../../text/prompt.js';
import {CLIP_FRAMES} from './clip.js';
import {clipKinds, drawClipQuestion} from './clipQuestions.js';
import {
  type ClipKind,
  drawFollowUp,
  drawOther,
  drawQuestion,
  type Question,
  type SceneKind,
  sceneKinds,
} from './questions.js';
import {type Scene, type SceneMaker, scenePicture, scenePixels} from './scene.js';
import {isInLongBlock, weightedPick} from './weightedPick.js';

export interface SceneSourceOptions {
  readonly imageSize: number;
  /** Side of the pictures that the image decoder learns to draw, where it is trained. */
  readonly targetSize?: number | undefined;
  /** How often a conversation begins with a question of each kind; what is left out, never. */
  readonly weights?: Partial<Record<SceneKind | ClipKind, number>>;
  /** Most questions about one scene; their number is drawn evenly. */
  readonly maxTurns?: number;
  /** Share of conversations that begin with the official system text, as the commands' prompts do. */
  readonly systemShare?: number;
  /**
   * Share of captions asked by the official instruction of `emu caption`, and of single things on white; the
   * others are asked in own words.
   */
  readonly officialCaptions?: number;
  /** turns: the instruct template; plain: questions and answers alone, captions without a question. */
  readonly form?: 'turns' | 'plain';
  /** So many samples in a row are all of clips, which are long, or all of scenes. */
  readonly block?: number;
}

/** Clips are rare: one costs as much sight as eight scenes. */
export const defaultWeights: Readonly<Record<SceneKind | ClipKind, number>> = {
  what: 5,
  caption: 4,
  background: 2,
  tint: 2,
  exists: 2,
  relation: 2,
  compare: 1,
  where: 2,
  side: 1,
  neighbour: 1,
  list: 1,
  category: 1,
  things: 1,
  copies: 1,
  bigger: 1,
  absent: 1,
  event: 0.5,
  direction: 0.5,
  happens: 0.5,
};

/** Share of questions for one of a pair that are followed by "and the other one?". */
const OTHER_SHARE = 0.25;

interface Conversation {
  readonly frames: readonly Scene[];
  readonly turns: readonly Question[];
  readonly task: PromptRequest['task'];
}

/** The weights of these kinds, 0 where there is none. */
function weightsOf<K extends string>(kinds: readonly K[], weights: Partial<Record<K, number>>) {
  return Object.fromEntries(kinds.map((kind) => [kind, weights[kind] ?? 0])) as Record<K, number>;
}

const total = (weights: Readonly<Record<string, number>>) =>
  Object.values(weights).reduce((sum, weight) => sum + weight, 0);

export class SceneSource implements Dataset {
  readonly name = 'scenes';
  readonly size = Number.POSITIVE_INFINITY;
  private readonly weights: Readonly<Record<SceneKind, number>>;
  private readonly clipWeights: Readonly<Record<ClipKind, number>>;

  constructor(
    private readonly maker: SceneMaker,
    private readonly options: SceneSourceOptions,
  ) {
    const {weights = defaultWeights} = options;
    const known = sceneKinds.filter((kind) => kind !== 'category' || maker.categories.length > 0);
    this.weights = weightsOf(known, weights) as Record<SceneKind, number>;
    this.clipWeights = weightsOf(clipKinds, weights);
    if (total(this.weights) + total(this.clipWeights) === 0)
      throw new EmuError('scenes: no kind of question has a weight above 0', {
        code: 'bad_weights',
        reason: 'usage',
      });
  }

  /** A conversation: the official template, an end token after every answer. */
  async read(index: number, random: Random): Promise<Sample> {
    const {frames, turns, task} = this.converse(index, random);
    const {systemShare = 0.8, form = 'turns'} = this.options;
    const pictures = frames.map((scene) => this.picture(scene));
    const [first, ...later] = turns;
    const scene = frames[0]!;
    const isLabelled = task !== 'video-qa' && scene.layout === 'single';
    const about = {
      name: `${this.name} ${index}`,
      ...(isLabelled ? {label: scene.objects[0]!.concept} : {}),
    };
    if (form === 'plain') return {...about, parts: plainParts(pictures, turns)};
    const opening = promptParts(
      task,
      task === 'caption' ? '' : first!.question,
      pictures,
      random.chance(systemShare),
    );
    const answers = [
      ` ${first!.answer}</s>`,
      ...later.map(({question, answer}) => ` [USER]: ${question} [ASSISTANT]: ${answer}</s>`),
    ];
    const last = opening.at(-1)!;
    const text = (last.type === 'text' ? last.text : '') + answers.join('');
    return {...about, parts: [...opening.slice(0, -1), {type: 'text', text}]};
  }

  close(): void {}

  private picture(scene: Scene): PreparedPicture {
    const {imageSize, targetSize} = this.options;
    const pixels = scenePixels(scene, imageSize);
    if (targetSize === undefined) return {pixels};
    const larger = scenePicture(scene, targetSize);
    return {pixels, target: drawnPixels(larger, targetSize, 'stretch')};
  }

  private converse(index: number, random: Random): Conversation {
    const {maxTurns = 3, officialCaptions = 0.5, block = 64} = this.options;
    const clipShare = total(this.clipWeights) / (total(this.clipWeights) + total(this.weights));
    if (isInLongBlock(index, block, clipShare)) {
      const kind = weightedPick(this.clipWeights, random);
      const {clip, question} = drawClipQuestion(kind, this.maker, random);
      return {frames: clip.frames, turns: [question], task: 'video-qa'};
    }
    const kind = weightedPick(this.weights, random);
    const {scene, question} = drawQuestion(kind, this.maker, random);
    const turns = [question];
    if (maxTurns > 1 && ['side', 'neighbour'].includes(kind) && random.chance(OTHER_SHARE))
      turns.push(drawOther(scene, question, this.maker, random));
    const count = 1 + random.below(maxTurns);
    const kinds = sceneKinds.filter((other) => this.weights[other] > 0);
    while (turns.length < count) {
      const next = drawFollowUp(scene, turns, kinds, this.maker, random);
      if (!next) break;
      turns.push(next);
    }
    // Of one thing on white, its name is the caption, too.
    const isCaption = kind === 'caption' || (kind === 'what' && scene.ground.colour === 'white');
    const isOfficial = isCaption && random.chance(officialCaptions);
    return {frames: [scene], turns, task: isOfficial ? 'caption' : 'vqa'};
  }
}

/** What a pretrained model reads: pictures, then each question with its answer; a caption is none's answer. */
function plainParts(
  pictures: readonly PreparedPicture[],
  turns: readonly Question[],
): SamplePart[] {
  const text = turns
    .map(({kind, question, answer}) => (kind === 'caption' ? answer : `${question} ${answer}`))
    .join('</s> ');
  return [
    ...pictures.map((picture) => ({type: 'picture', ...picture}) as const),
    {type: 'text', text: `${text}</s>`},
  ];
}

/** The prompt that the library sends for this question, cut at its pictures. */
function promptParts(
  task: PromptRequest['task'],
  question: string,
  pictures: readonly PreparedPicture[],
  hasSystem: boolean,
): SamplePart[] {
  const shown =
    task === 'video-qa'
      ? ({type: 'video', frames: CLIP_FRAMES} as const)
      : ({type: 'image'} as const);
  const prompt = buildPrompt({
    task,
    mode: 'instruct',
    items: question === '' ? [shown] : [shown, {type: 'text', text: question}],
    numImageTokens: 1,
    ...(hasSystem ? {} : {system: ''}),
  });
  return prompt
    .split(imagePlaceholder(1))
    .flatMap((text, i): SamplePart[] => [
      ...(i > 0 ? [{type: 'picture', ...pictures[i - 1]!} as const] : []),
      ...(text === '' ? [] : [{type: 'text', text} as const]),
    ]);
}
