// Runs one bench: `npm run bench linear [arguments]`; without a name says which there are.
import {existsSync, readdirSync} from 'node:fs';
import path from 'node:path';

const [name, ...rest] = process.argv.slice(2);
const helpers = ['run', 'timing', 'numpyPeer', 'ownTrain'];
const names = readdirSync(import.meta.dirname)
  .filter((file) => file.endsWith('.ts'))
  .map((file) => path.basename(file, '.ts'))
  .filter((bench) => !helpers.includes(bench));

const file = path.join(import.meta.dirname, `${name}.ts`);
if (name && names.includes(name) && existsSync(file)) {
  // A bench reads its own arguments from the third on, as when it is run alone.
  process.argv = [process.argv[0]!, file, ...rest];
  await import(file);
} else {
  const wrong = name ? `no bench is named '${name}'; ` : '';
  console.error(`${wrong}npm run bench NAME, with NAME one of ${names.join(', ')}`);
  process.exitCode = 2;
}
