// One file that is fetched: which, from where, and what of it is unpacked.

export const sources = ['pypi', 'maven'] as const;
export type Source = (typeof sources)[number];

export interface Archive {
  readonly source: Source;
  /** The package, as its tool names it. */
  readonly requirement: string;
  /** Of the file that the tool fetches. */
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  readonly unpackedSize: number;
  readonly sha256: string;
  /** Where it is unpacked. */
  readonly folder: string;
  /** The entries to unpack, and their paths in the folder. */
  readonly files: Readonly<Record<string, string>>;
  /** Of its licence, as its owner names it. */
  readonly licence: string;
}
