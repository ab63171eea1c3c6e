// Clips with captions, as WebVid lists them: some frames at random places, in their order, and the text.
import type {Random} from '../../random.js';
import type {Dataset, PreparePicture, Sample} from '../dataset.js';
import {captionFields, fieldOf, fileField, requireField, textField} from './fields.js';
import {captioned, mediaFile, type PictureOrder, readRandomFrames} from './media.js';
import {openRecords, type Records, type Row} from './records.js';

export interface VideoTextOptions {
  /** .csv, .tsv, .jsonl or .json. */
  readonly table: string;
  /** Folder of the clips. WebVid's `videoid` stands for `page_dir/videoid.mp4`. */
  readonly clips: string;
  readonly videoField?: string | undefined;
  readonly captionField?: string | undefined;
  /** Frames a clip; the paper takes 8. */
  readonly frames?: number;
  readonly order?: PictureOrder;
  readonly prepare: PreparePicture;
}

const videoFields = ['video', 'path', 'file_name', 'filename', 'file', 'video_path', 'videoid'];
const videoCaptions = [...captionFields, 'name']; // WebVid's own

/** @throws InputError when the table is missing or lacks a field */
export async function openVideoText(options: VideoTextOptions): Promise<Dataset> {
  const records = await openRecords([options.table]);
  const videos = requireField(records, options.videoField, videoFields, 'video');
  const captions = requireField(records, options.captionField, videoCaptions, 'caption');
  return new VideoText(options.table, records, videos, captions, options);
}

class VideoText implements Dataset {
  constructor(
    readonly name: string,
    private readonly records: Records,
    private readonly videos: readonly string[],
    private readonly captions: readonly string[],
    private readonly options: VideoTextOptions,
  ) {}

  get size(): number {
    return this.records.size;
  }

  async read(index: number, random: Random): Promise<Sample> {
    const {clips, frames = 8, order = 'random', prepare} = this.options;
    const row = this.records.row(index);
    const name = this.records.place(index);
    const text = textField(row, this.captions, name);
    const file = mediaFile(clips, this.clip(row, name));
    const pictures = await readRandomFrames(file, frames, random, prepare);
    return {name, parts: captioned(pictures, text, order, random)};
  }

  async text(index: number): Promise<string> {
    return textField(this.records.row(index), this.captions, this.records.place(index));
  }

  private clip(row: Row, place: string): string {
    const field = fieldOf(row, this.videos);
    if (field !== 'videoid') return fileField(row, this.videos, place);
    const folder = row.page_dir ? `${row.page_dir}/` : '';
    return `${folder}${row.videoid}.mp4`;
  }

  close(): void {} // files are opened for each read
}
