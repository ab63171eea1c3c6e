// A source without its long texts: image decoders are trained on short ones (Emu: at most 150 characters).
import type {Dataset, Sample} from '../../data/dataset.js';
import {InputError} from '../../errors.js';
import type {Random} from '../../random.js';

/** Samples tried in the place of one; when all are too long hardly any is short enough. */
const MAX_ATTEMPTS = 1000;

/** Characters of all texts together, the end token apart. */
function textLength({parts}: Sample): number {
  return parts.reduce(
    (sum, part) => sum + (part.type === 'text' ? part.text.replaceAll('</s>', '').length : 0),
    0,
  );
}

/** The source's samples; one whose text is too long is replaced by another, the same one whoever asks. */
export class ShortTexts implements Dataset {
  readonly name: string;
  readonly size: number;

  constructor(
    private readonly dataset: Dataset,
    private readonly maxLength: number,
  ) {
    this.name = dataset.name;
    this.size = dataset.size;
  }

  async read(index: number, random: Random): Promise<Sample> {
    let wanted = index;
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const sample = await this.dataset.read(wanted, random);
      if (textLength(sample) <= this.maxLength) return sample;
      // What has no end is drawn anew from the generator.
      if (Number.isFinite(this.size)) wanted = random.below(this.size);
    }
    throw new InputError(
      this.name,
      `${MAX_ATTEMPTS} samples in a row have more than ${this.maxLength} characters`,
      'raise maxTextLength',
    );
  }

  close(): void {
    this.dataset.close();
  }
}
