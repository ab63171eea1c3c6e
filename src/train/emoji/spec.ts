// emu-mini's two sources in a recipe: documents about single drawings, conversations about scenes of them.
import {z} from 'zod';
import {clipKinds} from './clipQuestions.js';
import {sceneKinds} from './questions.js';

const share = z.number().min(0).max(1);
const weight = z.number().min(0);
const positive = z.number().int().positive();

/** How far pictures stray from the drawings (compose.ts). */
const augmentation = z.strictObject({
  plain: share.default(0),
  rotation: z.number().min(0).default(0),
  scale: z.tuple([z.number().positive(), z.number().positive()]).default([0.9, 0.9]),
  aspect: share.default(0),
  flip: share.default(0),
  recolour: share.default(0),
  grey: share.default(0),
  outline: share.default(0),
  ground: share.default(0),
  noise: z.number().min(0).default(0),
});

const art = {
  /** A list of {hex, label, icons}. */
  concepts: z.string(),
  /** Sets of drawings: npm's @iconify-json packages. */
  vendors: z.array(z.string()).min(1),
  /** Pixels of a drawing's side, before it is composed. */
  artSize: positive.default(64),
  augmentation: augmentation.prefault({}),
};

/** Captions, questions, drawing prompts and interleaved documents, by how often. */
export const emojiFields = {
  ...art,
  documents: z
    .strictObject({
      caption: weight.default(1),
      question: weight.default(0),
      draw: weight.default(0),
      interleaved: weight.default(0),
    })
    .prefault({}),
};

const kinds = [...sceneKinds, ...clipKinds] as const;

export const sceneFields = {
  ...art,
  /** How often a conversation begins with a question of each kind. Default: sceneSource.ts. */
  questions: z.partialRecord(z.enum(kinds), weight).optional(),
  /** turns: the instruct template; plain: question and answer alone, to pretrain on. */
  form: z.enum(['turns', 'plain']).default('turns'),
  /** Most questions about one scene. */
  maxTurns: positive.default(3),
  /** Share of conversations that begin with the official system text. */
  systemShare: share.default(0.8),
  /** Share of captions that are asked for by the official instruction. */
  officialCaptions: share.default(0.5),
};

const emoji = z.strictObject(emojiFields);
const scenes = z.strictObject(sceneFields);

export type EmojiSpec = z.infer<typeof emoji>;
export type SceneSpec = z.infer<typeof scenes>;
