import type {Addon} from './addon.js';

/** Idle memory kept for reuse; beyond it the sizes that were idle longest are given back. */
const MAX_IDLE_BYTES = 1024 * 1024 * 1024;
const MIN_BLOCK_BYTES = 64;
const ALIGNMENT = 64;

/** The size of the block that holds `bytes`: eight steps an octave, so at most 1/8 is wasted. */
export function blockSize(bytes: number): number {
  if (bytes <= MIN_BLOCK_BYTES) return MIN_BLOCK_BYTES;
  const step = Math.max(MIN_BLOCK_BYTES, 2 ** (Math.floor(Math.log2(bytes)) - 3));
  return Math.ceil(bytes / step) * step;
}

/** Memory for one tensor: `size` usable bytes of `buffer` from `offset`, which is 64-byte aligned. */
export interface Block {
  readonly buffer: ArrayBuffer;
  readonly offset: number;
  readonly size: number;
}

/**
 * Recycles the memory of tensors: aligned blocks that are not zeroed again and whose pages have been
 * touched before.
 */
export class MemoryPool {
  /** Idle blocks by size; the sizes used last come last. */
  private readonly idle = new Map<number, Block[]>();
  private idleBytes = 0;

  constructor(
    private readonly addon: Addon,
    private readonly maxIdleBytes = MAX_IDLE_BYTES,
  ) {}

  /** A block of at least `bytes`, contents undefined. */
  take(bytes: number): Block {
    const size = blockSize(bytes);
    const block = this.idle.get(size)?.pop();
    if (block) {
      this.idleBytes -= size;
      return block;
    }
    const buffer = new ArrayBuffer(size + ALIGNMENT);
    return {buffer, offset: this.addon.prepare(buffer), size};
  }

  /** Takes back a block of take() that nobody else can reach. */
  give(block: Block): void {
    const {size} = block;
    const blocks = this.idle.get(size) ?? [];
    blocks.push(block);
    this.idle.delete(size);
    this.idle.set(size, blocks);
    this.idleBytes += size;
    if (this.idleBytes > this.maxIdleBytes) this.shrink();
  }

  /** Frees all idle memory. */
  clear(): void {
    for (const blocks of this.idle.values()) {
      for (const block of blocks) this.addon.release(block.buffer);
    }
    this.idle.clear();
    this.idleBytes = 0;
  }

  private shrink(): void {
    for (const [size, blocks] of this.idle) {
      while (this.idleBytes > this.maxIdleBytes && blocks.length > 0) {
        this.addon.release(blocks.pop()!.buffer);
        this.idleBytes -= size;
      }
      if (blocks.length === 0) this.idle.delete(size);
      if (this.idleBytes <= this.maxIdleBytes) return;
    }
  }
}
