// A chat's turns: the time to the first token after one turn and after 20; resuming from a saved cache next to
// computing the past anew; and switching between modes.
// Run: npm run bench chat [model] [tokens of a question] [repeats]
import {mkdtempSync, rmSync, statSync} from 'node:fs';
import {tmpdir} from 'node:os';
import path from 'node:path';
import {performance} from 'node:perf_hooks';
import type {ChatPart} from '../src/chat/chatModel.js';
import {EmuChat} from '../src/chat/emuChat.js';
import type {Picture} from '../src/data/picture.js';
import {Emu} from '../src/emu.js';
import {median} from '../src/train/median.js';

const [name = 'emu-mini', length = '6', repeats = '15'] = process.argv.slice(2);
const TURNS = 20;
const emu = await Emu.load(name);
const chat = new EmuChat(emu);
const folder = mkdtempSync(path.join(tmpdir(), 'emu-bench-'));
const files = {
  early: path.join(folder, 'early.safetensors'),
  late: path.join(folder, 'late.safetensors'),
  bare: path.join(folder, 'bare.safetensors'),
};

const word = emu.tokenizer.decode(emu.tokenizer.encode('what', {bos: false}));
const question: ChatPart[] = [{type: 'text', text: `${word} `.repeat(Number(length))}];
const ms = (seconds: number) => `${(1000 * seconds).toFixed(1)} ms`;
const ask = () => chat.ask(question, {maxTokens: 1}, () => {});

async function seconds(run: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await run();
  return (performance.now() - started) / 1000;
}

console.log(`${name}, ${emu.backend.isa}, ${emu.backend.threads} threads`);
await chat.begin('');
let {status} = await ask();
await chat.save(files.early);
while (status.turns < TURNS) ({status} = await ask());
if (status.droppedTurns > 0) throw new Error(`${TURNS} turns do not fit; ask with fewer tokens`);
const writing = await seconds(() => chat.save(files.late));
await chat.save(files.bare, {cache: false});

// By turns, so that whatever else the machine does meets all alike.
type Which = keyof typeof files;
const firstToken: Record<Which, number[]> = {early: [], late: [], bare: []};
const resumed: Record<Which, number[]> = {early: [], late: [], bare: []};
for (let i = 0; i < Number(repeats); i++)
  for (const which of ['early', 'late', 'bare'] as const) {
    const restoring = await seconds(() => chat.restore(files[which]));
    const {firstTokenSeconds} = await ask();
    firstToken[which].push(firstTokenSeconds);
    resumed[which].push(restoring + firstTokenSeconds);
  }
const [early, late] = [median(firstToken.early), median(firstToken.late)];
const [warm, cold] = [median(resumed.late), median(resumed.bare)];
const size = (file: string) => `${(statSync(file).size / 1e6).toFixed(2)} MB`;
console.log(`first token, turn 2      ${ms(early)}`);
console.log(
  `first token, turn ${TURNS + 1}     ${ms(late)}, ${(late / early).toFixed(2)} times turn 2's`,
);
console.log(`history then             ${status.contextTokens} tokens of ${status.contextLength}`);
console.log(
  `saving it                ${ms(writing)}, ${size(files.late)}; without cache ${size(files.bare)}`,
);
console.log(`resumed, cache saved     ${ms(warm)} to the first token`);
console.log(
  `resumed, past computed   ${ms(cold)}, ${(cold / warm).toFixed(2)} times the saved cache's`,
);

// An answer of one token in each mode by turns, next to the same mode again and again.
const picture: Picture = {width: 64, height: 64, data: new Uint8Array(3 * 64 * 64).fill(200)};
const items: ChatPart[] = [
  {type: 'image', picture},
  {type: 'text', text: word},
];
const answer = async (task: 'vqa' | 'incontext') => {
  for await (const _ of emu.generateText(items, {task, numBeams: 1, maxTokens: 1}));
};
const times = {same: [] as number[], switched: [] as number[]};
for (let i = 0; i < Number(repeats); i++) {
  await answer('incontext');
  times.switched.push(await seconds(() => answer('vqa')));
  times.same.push(await seconds(() => answer('vqa')));
}
const [same, switched] = [median(times.same), median(times.switched)];
console.log(
  `answer after a switch    ${ms(switched)}, ${(switched / same).toFixed(2)} times one without a switch of modes`,
);
rmSync(folder, {recursive: true});
await chat.close();
emu.close();
