import {exitCodes} from '../errors.js';

const meanings: Record<keyof typeof exitCodes, string> = {
  failed: 'it failed: an input that is not what it should be, a full disk, the network',
  usage: 'wrong usage: a flag, an argument or a question is missing or wrong',
  model: 'the model is missing, corrupt or of another kind',
  access:
    'access refused: a file or folder may not be read or written, a model of the hub not fetched',
  memory: 'the model does not fit in memory (said before it is loaded)',
  withheld: 'the picture was withheld by the safety checker',
  interrupted: 'interrupted (Ctrl-C)',
};

/** The text of `emu help exit-codes`. */
export function exitCodesHelp(): string {
  const rows: [number, string][] = [[0, 'done']];
  for (const [reason, code] of Object.entries(exitCodes))
    rows.push([code, meanings[reason as keyof typeof exitCodes]]);
  const table = rows.map(([code, meaning]) => `  ${String(code).padStart(3)}  ${meaning}`);
  return [
    'EXIT CODES',
    ...table,
    '',
    'A failure is told in one line on stderr. With --json the object',
    '{"error":{"code","message","file"}} stands on stdout as well; DEBUG=* adds the stack.',
    '',
  ].join('\n');
}
