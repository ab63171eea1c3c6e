import {Args} from '@oclif/core';
import {DrawCommand, loadDrawing} from '../cli/drawCommand.js';
import type {DrawingRecord} from '../cli/drawingRecord.js';
import {pictureFlags} from '../cli/flags.js';
import {readPicture, readVideo} from '../cli/pictures.js';
import type {Picture} from '../data/picture.js';
import type {DrawOptions} from '../draw.js';
import type {Item} from '../emu.js';
import {EmuError, InputError} from '../errors.js';

export default class Replay extends DrawCommand {
  static override summary = 'Draw a picture again and compare the bytes.';
  static override description =
    'Takes everything from the PNG that emu drew; --model and --backend may be others. The same bytes come out on the same instruction set. Exit code 1 where they differ.';
  static override args = {
    file: Args.string({description: 'PNG file that emu drew', required: true, ignoreStdin: true}),
  };
  static override examples = [
    '<%= config.bin %> replay out.png',
    '<%= config.bin %> replay out.png --threads 1',
  ];
  static override flags = {...pictureFlags};

  async run(): Promise<void> {
    const {args, flags} = await this.parse(Replay);
    const {file} = args;
    const {encodePng, formatRecord, readDrawing} = await loadDrawing();
    const {bytes, record} = readDrawing(file);
    if (!record) throw new InputError(file, 'was not drawn by emu', 'name one that was');
    const {model, config, compute} = record;
    const given = {
      ...flags,
      model: flags.model ?? model,
      ...((flags.config ?? config) === undefined ? {} : {config: flags.config ?? config}),
      compute,
    };
    await this.withModel(
      given,
      async ({host, info, progress}) => {
        const items = await this.readItems(record);
        const options = await this.readOptions(record);
        const {backend} = await info;
        let drawn: Picture | undefined;
        await host.call('generateImage', {items, options}, (event) => {
          if (event.type === 'picture') drawn = event.picture;
          else progress.update(`step ${event.step} of ${event.steps}`, event.step / event.steps);
        });
        progress.stop();
        const again = await encodePng(drawn!, formatRecord(record));
        const isSame = again.equals(bytes);
        const facts = {file, same: isSame, backend: backend.name, isa: backend.isa};
        if (isSame) {
          this.result(facts, `${file}: drawn again, the same bytes`);
          return;
        }
        const {readImage} = await import('../data/image.js');
        const {count, largest} = difference(drawn!, await readImage(file));
        const was = `${record.backend} ${record.isa}`;
        const now = `${backend.name} ${backend.isa}`;
        const reason = was === now ? '' : `; it was drawn on ${was}, this is ${now}`;
        if (this.jsonEnabled()) this.result({...facts, differing: count, largest}, '');
        const what =
          count === 0
            ? 'the same pixels in another file: it was changed, or written by another version'
            : `${count} of ${drawn!.data.length} values differ, by ${largest} of 255 at most`;
        throw new EmuError(`${file}: drawn again, ${what}${reason}`, {code: 'differs', file});
      },
      {draws: true},
    );
  }

  private async readItems({items, exif}: DrawingRecord): Promise<Item[]> {
    const {checkSame, recordItem} = await loadDrawing();
    const read: Item[] = [];
    for (const item of items) {
      if ('text' in item) {
        read.push({type: 'text', text: item.text});
        continue;
      }
      const {source, kind} = item;
      if (source === '-' || source === 'data:')
        throw new InputError(
          source,
          'the drawing was made from a picture that was not in a file',
          'it cannot be drawn again',
        );
      const again =
        kind === 'image'
          ? await readPicture(source, {exif})
          : await readVideo(source, {exif, frames: item.frames});
      const {sha256} = recordItem(again, source) as {sha256: string};
      checkSame(item, sha256);
      read.push(again);
    }
    return read;
  }

  private async readOptions(record: DrawingRecord): Promise<DrawOptions> {
    const {checkSame, hashNumbers, hashPictures, readLatents} = await loadDrawing();
    const {scheduler, steps, guidance, width, height, seed, latents, init, exif} = record;
    const noise = latents && readLatents(latents.source);
    if (latents) checkSame(latents, hashNumbers(noise!.data));
    const over = init && (await readPicture(init.source, {exif}));
    if (init && over?.type === 'image') checkSame(init, hashPictures([over.picture]));
    return {
      scheduler,
      steps,
      guidance,
      width,
      height,
      seed,
      checkSafety: false, // it was written
      ...(noise ? {latents: noise} : {}),
      ...(init && over?.type === 'image'
        ? {over: {picture: over.picture, strength: init.strength}}
        : {}),
    };
  }
}

function difference(a: Picture, b: Picture): {count: number; largest: number} {
  if (a.width !== b.width || a.height !== b.height) return {count: a.data.length, largest: 255};
  let [count, largest] = [0, 0];
  for (const [i, value] of a.data.entries()) {
    const distance = Math.abs(value - b.data[i]!);
    if (distance > 0) count++;
    largest = Math.max(largest, distance);
  }
  return {count, largest};
}
