// What `emu inspect` prints for people.
import {
  type BackendMemory,
  type InspectedFile,
  type Inspection,
  modulesOf,
} from '../weights/inspectModel.js';
import {printable} from '../weights/printable.js';
import {bytesText} from './bytesText.js';

const count = (number: number) => number.toLocaleString('en-US');

function numbersText(parameters: number): string {
  if (parameters >= 1e9) return `${(parameters / 1e9).toFixed(2)} billion`;
  return parameters >= 1e6 ? `${(parameters / 1e6).toFixed(2)} million` : count(parameters);
}

/** Rows of cells in columns; the last one is not padded. */
function table(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]?.map((_, i) => Math.max(...rows.map((cells) => cells[i]!.length))) ?? [];
  return rows.map((cells) =>
    `  ${cells.map((cell, i) => cell.padEnd(widths[i]!)).join('  ')}`.trimEnd(),
  );
}

export function inspectText(inspection: Inspection, listsTensors: boolean): string[] {
  const {name, licence, files, parameters, modes, abilities, config, memory} = inspection;
  const size = files.reduce((sum, file) => sum + file.size, 0);
  const lines = [
    `${name}: ${numbersText(parameters)} numbers in ${bytesText(size)}, licence ${licence ?? 'not stated'}`,
  ];
  if (modes && abilities)
    lines.push(`modes ${modes.join(' and ')}; it can: ${abilities.join(', ')}`);
  if (config) {
    const {vision, causalFormer, llama, lora} = config;
    lines.push(
      `vision ${vision.layers} layers of ${vision.width}, pictures of ${vision.imageSize}; ${causalFormer.numTokens} embeddings a picture; language ${llama.layers} layers of ${llama.hiddenSize}, ${count(llama.vocabSize)} tokens, context ${count(llama.contextLength)}${lora ? `; LoRA of rank ${lora.rank}` : ''}`,
    );
  }
  for (const file of files) lines.push('', ...fileText(file, listsTensors));
  return [...lines, '', ...memoryText(memory)];
}

function fileText(file: InspectedFile, listsTensors: boolean): string[] {
  const {path, part, format, size, tensors, parameters, encoding, metadata} = file;
  const facts = [bytesText(size), format, `${count(tensors.length)} tensors`];
  if (encoding) facts.push(`${numbersText(parameters)} numbers, mostly ${encoding}`);
  const lines = [`${part}: ${path}`, `  ${facts.join(', ')}`];
  for (const [key, value] of Object.entries(metadata))
    lines.push(`  metadata ${printable(key)}: ${printable(value)}`);
  const rows = listsTensors
    ? tensors.map(({name, shape, encoding, bytes}) => [
        printable(name, 200),
        `[${shape.join(', ')}]`,
        encoding,
        bytesText(bytes),
      ])
    : modulesOf(file).map(({module, tensors, parameters, bytes, encodings}) => [
        printable(module, 200),
        `${count(tensors)} tensor${tensors === 1 ? '' : 's'}`,
        numbersText(parameters),
        encodings.join(' '),
        bytesText(bytes),
      ]);
  return [...lines, ...table(rows)];
}

const verdicts: Record<BackendMemory['fit'], string> = {
  ok: 'fits',
  slow: 'runs, but slowly: the file is larger than the free memory and is read again and again',
  'shorter answers': 'fits only with fewer --beams or --max-tokens',
  'too slow': 'refused: too many weights for JavaScript',
  no: 'does not fit',
};

function memoryText({free, backends, work}: Inspection['memory']): string[] {
  const rows = backends.map(({backend, mapped, held, fit}) => [
    backend,
    mapped > 0 ? `${bytesText(mapped)} read in the file` : '',
    held > 0 ? `${bytesText(held)} held in memory` : '',
    verdicts[fit],
  ]);
  const lines = [`memory: ${bytesText(free)} are free`, ...table(rows)];
  if (!work) return lines;
  const {cachePerToken, captionBeams, captionTokens, captionCache, visionLayer, drawingLayer} =
    work;
  lines.push(
    `  keys and values: ${bytesText(cachePerToken)} a token; a caption (${captionBeams} beams of ${count(captionTokens)} tokens) ${bytesText(captionCache)}`,
    `  widest layer of the vision encoder: ${bytesText(visionLayer)} a picture`,
  );
  if (drawingLayer !== undefined)
    lines.push(`  widest layer of the image decoder: ${bytesText(drawingLayer)}`);
  return lines;
}
