// Tables of records in files: JSON lines, a JSON list, CSV and TSV. A record is read when it is asked for;
// what is kept in memory is where each one lies.
import {closeSync, createReadStream, openSync, readSync} from 'node:fs';
import {pipeline} from 'node:stream/promises';
import {type CsvError, Parser} from 'csv-parse';
import {parse as parseCsv} from 'csv-parse/sync';
import {InputError} from '../../errors.js';
import {listNames} from '../../weights/printable.js';
import {fileProblem} from '../source.js';
import {type Places, placesOfItems, placesOfLines} from './recordPlaces.js';

export type Row = Readonly<Record<string, unknown>>;

/** The records of some files, one after the other. */
export interface Records {
  readonly size: number;
  /** @throws InputError that names the file and the line when the record is damaged */
  row(index: number): Row;
  /** Names a record to a person: "data.csv, line 12". */
  place(index: number): string;
}

// A quote that is opened and never closed swallows the lines after it: no real record is so long.
const MAX_CSV_RECORD = 1_000_000;
const csvOptions = {
  record_delimiter: ['\r\n', '\n'],
  relax_quotes: true,
  relax_column_count: true,
  skip_empty_lines: true,
};

class RecordFile implements Records {
  constructor(
    private readonly file: string,
    private readonly places: Places,
    private readonly unit: 'line' | 'item',
    /** Throws when the text is no record; the message says what is wrong. */
    private readonly parse: (text: string) => unknown,
  ) {}

  get size(): number {
    return this.places.starts.length;
  }

  row(index: number): Row {
    const {starts, lengths} = this.places;
    const bytes = Buffer.alloc(lengths[index]!);
    // Opened anew each time: a data set may have more files than a process may hold open.
    const got = withFile(this.file, (descriptor) =>
      readSync(descriptor, bytes, 0, bytes.length, starts[index]!),
    );
    if (got < bytes.length) throw new InputError(this.file, 'became shorter while it was in use');
    let row: unknown;
    try {
      row = this.parse(bytes.toString('utf8'));
    } catch (error) {
      throw new InputError(this.place(index), `is damaged (${(error as Error).message})`);
    }
    if (typeof row !== 'object' || row === null || Array.isArray(row))
      throw new InputError(this.place(index), 'is no record');
    return row as Row;
  }

  place(index: number): string {
    return `${this.file}, ${this.unit} ${this.places.numbers[index]!}`;
  }
}

class JoinedRecords implements Records {
  readonly size: number;
  /** The first record of each file. */
  private readonly firsts: number[] = [];

  constructor(private readonly files: readonly Records[]) {
    let size = 0;
    for (const file of files) {
      this.firsts.push(size);
      size += file.size;
    }
    this.size = size;
  }

  row(index: number): Row {
    const at = this.fileOf(index);
    return this.files[at]!.row(index - this.firsts[at]!);
  }

  place(index: number): string {
    const at = this.fileOf(index);
    return this.files[at]!.place(index - this.firsts[at]!);
  }

  /** The last file that begins at or before the record: empty ones are passed over. */
  private fileOf(index: number): number {
    let low = 0;
    let high = this.firsts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.firsts[middle]! <= index) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}

/**
 * Opens .jsonl, .json (a list, or one record a line), .csv and .tsv files (their first line names the
 * columns).
 * @throws InputError when a file is missing, of another kind or cut off, or when there is no record
 */
export async function openRecords(files: readonly string[]): Promise<Records> {
  const opened: RecordFile[] = [];
  for (const file of files) opened.push(await openFile(file));
  if (opened.every(({size}) => size === 0))
    throw new InputError(listNames(files, 3), 'holds no records');
  return opened.length === 1 ? opened[0]! : new JoinedRecords(opened);
}

async function openFile(file: string): Promise<RecordFile> {
  const head = withFile(file, (descriptor) => readHead(file, descriptor));
  if (/\.[ct]sv$/i.test(file)) return openCsv(file);
  const isList = /^\s*\[/.test(head.toString('utf8').replace(/^\uFEFF/, ''));
  return withFile(file, (descriptor) =>
    isList
      ? new RecordFile(file, placesOfItems(file, descriptor), 'item', parseJson)
      : new RecordFile(file, placesOfLines(descriptor), 'line', parseJson),
  );
}

function withFile<T>(file: string, use: (descriptor: number) => T): T {
  let descriptor: number | undefined;
  try {
    descriptor = openSync(file, 'r');
    return use(descriptor);
  } catch (error) {
    throw error instanceof InputError ? error : fileProblem(file, error);
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Error('no valid JSON'); // the parser's own message quotes the text
  }
}

function readHead(file: string, descriptor: number): Buffer {
  const head = Buffer.alloc(64);
  const bytes = head.subarray(0, readSync(descriptor, head, 0, head.length, 0));
  const start = bytes.toString('hex', 0, 2);
  if (start === '1f8b' || start === '504b')
    throw new InputError(file, 'is compressed', 'unpack it first');
  return bytes;
}

async function openCsv(file: string): Promise<RecordFile> {
  const delimiter = /\.tsv$/i.test(file) ? '\t' : ',';
  let columns: string[] | undefined;
  let end = 0;
  const places: Places = {starts: [], lengths: [], numbers: []};
  const parser = new Parser({
    ...csvOptions,
    delimiter,
    bom: true,
    max_record_size: MAX_CSV_RECORD,
    on_record: (record: string[], {bytes, lines}) => {
      if (columns) {
        places.starts.push(end);
        places.lengths.push(bytes - end);
        places.numbers.push(lines);
      } else columns = record.map((name) => name.trim());
      end = bytes;
      return null;
    },
  });
  parser.resume();
  await pipeline(createReadStream(file, {highWaterMark: 1 << 20}), parser).catch((error) => {
    const {code, lines} = error as CsvError & {lines?: number};
    if (!code?.startsWith('CSV_')) throw fileProblem(file, error);
    const problem = /QUOTE|MAX_RECORD/.test(code)
      ? 'a quote before it is never closed'
      : (error as Error).message;
    throw new InputError(`${file}, line ${lines}`, problem);
  });
  const names = columns ?? [];
  const parse = (text: string) => {
    const [values = []] = parseCsv(text, {...csvOptions, delimiter}) as string[][];
    if (values.length !== names.length)
      throw new Error(`${values.length} columns where the first line has ${names.length}`);
    return Object.fromEntries(names.map((name, i) => [name, values[i]]));
  };
  return new RecordFile(file, places, 'line', parse);
}
