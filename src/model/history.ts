// What was said in a conversation, as the model reads it: token ids, never text that is tokenised again.
// N embeddings a picture, C hidden size.
import type tf from '#tfjs';

export interface PlacedPicture {
  /** Position of its first <image>. */
  readonly start: number;
  /** [N, C] */
  readonly embeds: tf.Tensor2D;
}

/** Immutable; the embeddings belong to the conversation that holds it. */
export class History {
  constructor(
    readonly ids: readonly number[],
    /** By rising position. */
    readonly pictures: readonly PlacedPicture[] = [],
    /** Where each turn begins; what stands before the first is the system text. */
    readonly turns: readonly number[] = [],
    /** Oldest turns that were dropped. */
    readonly dropped = 0,
  ) {}

  get length(): number {
    return this.ids.length;
  }

  /** A new turn begins here. */
  beginTurn(): History {
    return new History(this.ids, this.pictures, [...this.turns, this.length], this.dropped);
  }

  /** `pictures`: embeddings [N, C] for the <image> ids among `ids`, in their order. */
  append(ids: readonly number[], imageId = -1, pictures: readonly tf.Tensor2D[] = []): History {
    const places = ids.flatMap((id, i) => (id === imageId ? [this.length + i] : []));
    let next = 0;
    const placed = pictures.map((embeds): PlacedPicture => {
      const start = places[next]!;
      next += embeds.shape[0];
      return {start, embeds};
    });
    if (next !== places.length)
      throw new Error(`History: ${places.length} <image> tokens, but ${next} visual embeddings`);
    return new History(
      [...this.ids, ...ids],
      [...this.pictures, ...placed],
      this.turns,
      this.dropped,
    );
  }

  /** Back to the first `count` turns. */
  firstTurns(count: number): History {
    return this.upTo(this.turns[count] ?? this.length);
  }

  /** Its first `end` ids. */
  upTo(end: number): History {
    return new History(
      this.ids.slice(0, end),
      this.pictures.filter(({start}) => start < end),
      this.turns.filter((start) => start < end),
      this.dropped,
    );
  }

  /** Without its oldest `count` turns; the system text stays. */
  withoutOldest(count: number): History {
    if (count === 0) return this;
    const from = this.turns[0]!;
    const to = this.turns[count] ?? this.length;
    const gone = to - from;
    return new History(
      [...this.ids.slice(0, from), ...this.ids.slice(to)],
      this.pictures
        .filter(({start}) => start < from || start >= to)
        .map(({start, embeds}) => ({start: start < from ? start : start - gone, embeds})),
      this.turns.slice(count).map((start) => start - gone),
      this.dropped + count,
    );
  }

  /**
   * The rule by which a conversation forgets: when what is said, with `room` for the answer, does not fit
   * into `limit` tokens, the oldest whole turns after the system text go until it takes three quarters of
   * them at most; the newest turn always stays. More goes than must, because what is kept has other
   * positions then and is computed again: so that costs at most three quarters of a context, and once for
   * at least a quarter of a context of new tokens.
   */
  fittedTo(limit: number, room: number): History {
    if (this.length + room <= limit) return this;
    let kept: History = this;
    while (kept.turns.length > 1 && kept.length + room > 0.75 * limit) kept = kept.withoutOldest(1);
    return kept;
  }

  /** How many first positions both have in common, pictures included. */
  sharedLength(other: History): number {
    const most = Math.min(this.length, other.length);
    let length = 0;
    while (length < most && this.ids[length] === other.ids[length]) length++;
    const pictures = Math.max(this.pictures.length, other.pictures.length);
    for (let i = 0; i < pictures; i++) {
      const [mine, its] = [this.pictures[i], other.pictures[i]];
      if (mine && mine.embeds === its?.embeds && mine.start === its.start) continue;
      return Math.min(length, mine?.start ?? length, its?.start ?? length);
    }
    return length;
  }
}
