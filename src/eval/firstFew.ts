import type {ItemId} from './benchmark.js';

const MOST_NAMED = 5;

/** `5, 7, 9 and 12 more` */
export function firstFew(ids: readonly ItemId[]): string {
  const more = ids.length - MOST_NAMED;
  return ids.slice(0, MOST_NAMED).join(', ') + (more > 0 ? ` and ${more} more` : '');
}
