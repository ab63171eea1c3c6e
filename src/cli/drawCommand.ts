import path from 'node:path';
import type {DrawEvent, DrawOptions, DrawSettings} from '../draw.js';
import type {Item} from '../emu.js';
import {EmuError} from '../errors.js';
import {checkWritable, writeAll, writeWhole} from '../weights/writeWhole.js';
import type {DrawingRecord, RecordedItem} from './drawingRecord.js';
import type {DrawFlagValues, ModelFlagValues, PictureFlagValues} from './flags.js';
import {ModelCommand, type RunningModel} from './modelCommand.js';
import type {ModelInfo} from './modelProtocol.js';
import {readItem, readPicture, type Word} from './pictures.js';

export type DrawingFlags = DrawFlagValues &
  ModelFlagValues &
  PictureFlagValues & {readonly frames?: number; readonly seed?: number | undefined};

/** A prompt that has been read: what the model gets, and what the drawing's file says of it. */
export interface ReadPrompt {
  readonly items: Item[];
  readonly recorded: RecordedItem[];
}

type DrawnPicture = DrawEvent & {type: 'picture'};

const DEFAULT_STRENGTH = 0.8;

/** What reads and writes drawings loads pictures' decoders and more. */
export const loadDrawing = () => import('./drawing.js');

/** What the commands share that draw. */
export abstract class DrawCommand extends ModelCommand {
  /** The files that will be written, found to be writable before the work starts. */
  protected outputs({output = 'out.png', count = 1}: DrawFlagValues): string[] {
    const {dir, name, ext} = path.parse(output);
    if (ext.toLowerCase() !== '.png') throw this.usage(`--output ${output}: expected a .png file`);
    const numbered = (i: number) => path.join(dir, `${name}-${i + 1}${ext}`);
    const files = count === 1 ? [output] : Array.from({length: count}, (_, i) => numbered(i));
    for (const file of files) checkWritable(file);
    return files;
  }

  protected async readPrompt(words: readonly Word[], flags: DrawingFlags): Promise<ReadPrompt> {
    const {recordItem} = await loadDrawing();
    const items: Item[] = [];
    const recorded: RecordedItem[] = [];
    for (const word of words) {
      const item = await readItem(word, flags);
      items.push(item);
      recorded.push(recordItem(item, word.value));
    }
    return {items, recorded};
  }

  /** Draws after the prompt and writes the files. A flagged picture is withheld: exit 6 in the end. */
  protected async draw(
    model: RunningModel,
    prompt: ReadPrompt,
    flags: DrawingFlags,
    files: readonly string[],
  ): Promise<void> {
    const {encodePng, formatRecord, Preview, PREVIEW_SIZE} = await loadDrawing();
    const info = await model.info;
    const {options, sources} = await this.drawOptions(flags);
    const images: {path: string | null; seed: number; nsfw: boolean}[] = [];
    const preview = flags.preview && process.stderr.isTTY ? new Preview() : undefined;
    const finish = async ({index, settings, isFlagged, picture}: DrawnPicture) => {
      const file = files[index]!;
      if (preview) await preview.show(picture, `seed ${settings.seed}`);
      preview?.end();
      if (!isFlagged) {
        const record = this.record(flags, info, prompt.recorded, settings, sources);
        const bytes = await encodePng(picture, formatRecord(record));
        writeWhole(file, (fd) => writeAll(fd, bytes));
      }
      images.push({path: isFlagged ? null : file, seed: settings.seed, nsfw: isFlagged});
    };
    const started = performance.now();
    // One after the other: pictures are shown and written while the next one is drawn.
    let shown = Promise.resolve();
    let fail: (error: unknown) => void;
    const failed = new Promise<never>((_, reject) => {
      fail = reject;
    });
    const then = (next: () => Promise<void>) => {
      shown = shown.then(next);
      shown.catch(fail);
    };
    const onEvent = (event: Exclude<DrawEvent, {type: 'done'}>) => {
      if (event.type === 'picture') {
        then(() => finish(event));
        return;
      }
      const {index, step, steps} = event;
      const all = steps * files.length;
      const done = index * steps + step;
      const left = ((performance.now() - started) / 1000 / done) * (all - done);
      const of = files.length > 1 ? `picture ${index + 1} of ${files.length}, ` : '';
      const stage = `${of}step ${step} of ${steps}, ${Math.ceil(left)} s left`;
      if (!preview) model.progress.update(stage, done / all);
      else if (event.preview) {
        const picture = event.preview;
        then(() => preview.show(picture, stage));
      }
    };
    model.progress.update('regressing the picture’s embeddings');
    if (preview) model.progress.stop();
    try {
      const request = {...options, ...(preview ? {previewSize: PREVIEW_SIZE} : {})};
      const drawing = model.host.call(
        'generateImage',
        {items: prompt.items, options: request},
        onEvent,
      );
      const {timings} = await Promise.race([drawing, failed]);
      await shown;
      model.progress.stop();
      const {name, backend, loadSeconds} = info;
      const json = {
        images,
        model: name,
        backend: backend.name,
        timings: {load: loadSeconds, ...timings},
      };
      const written = images.flatMap(({path: file}) => file ?? []);
      const flagged = files.length - written.length;
      if (this.jsonEnabled() || written.length > 0) this.result(json, written.join('\n'));
      if (flagged === 0) return;
      const problem = `${flagged === 1 ? 'a picture was' : `${flagged} pictures were`} withheld by the safety checker; another --seed may pass, --no-safety writes all`;
      if (written.length === 0 && !this.jsonEnabled())
        throw new EmuError(problem, {code: 'withheld', reason: 'withheld'});
      this.note(problem);
      process.exitCode = 6;
    } finally {
      preview?.end();
    }
  }

  protected async drawOptions(flags: DrawingFlags) {
    const {hashNumbers, hashPictures, readLatents} = await loadDrawing();
    const {scheduler, steps, guidance, size, count, safety, init} = flags;
    const latents = flags.latents === undefined ? undefined : readLatents(flags.latents);
    if (latents && (count ?? 1) > 1)
      throw this.usage('--latents gives one picture; leave --count out');
    const strength = flags.strength ?? DEFAULT_STRENGTH;
    const over = init === undefined ? undefined : await readPicture(init, flags);
    const options: DrawOptions = {
      scheduler: scheduler ?? 'pndm',
      steps: steps ?? 50,
      ...(guidance === undefined ? {} : {guidance}),
      ...size,
      seed: flags.seed ?? 0,
      count: count ?? 1,
      checkSafety: safety ?? true,
      ...(latents ? {latents} : {}),
      ...(over?.type === 'image' ? {over: {picture: over.picture, strength}} : {}),
    };
    const sources = {
      ...(latents ? {latents: {source: flags.latents!, sha256: hashNumbers(latents.data)}} : {}),
      ...(over?.type === 'image'
        ? {init: {source: init!, sha256: hashPictures([over.picture]), strength}}
        : {}),
    };
    return {options, sources};
  }

  private record(
    flags: DrawingFlags,
    {name, backend}: ModelInfo,
    items: RecordedItem[],
    {count: _, ...settings}: DrawSettings,
    sources: Pick<DrawingRecord, 'latents' | 'init'>,
  ): DrawingRecord {
    return {
      version: this.config.version,
      model: name,
      ...(flags.config === undefined ? {} : {config: flags.config}),
      items,
      ...settings,
      ...sources,
      exif: flags.exif ?? true,
      backend: backend.name,
      isa: backend.isa,
      compute: backend.compute,
    };
  }
}
