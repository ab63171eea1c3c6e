import {EmuCommand} from '../../cli/command.js';
import type {DescribedModel} from '../../cli/models.js';

const columns = ['name', 'size', 'numbers', 'licence', 'can', 'place'] as const;

export default class Models extends EmuCommand {
  static override summary = 'List the models that --model takes by name.';
  static override description =
    "The packaged one, the folders in models/ of the data folder (EMU_HOME), and what `emu pull` has fetched into the hub's cache (HF_HOME): with size, encoding of the numbers, licence as the model's card states it, and what each can do (text from pictures, chat, draw). The default is marked; EMU_MODEL names another.";
  static override examples = [
    '<%= config.bin %> models',
    '<%= config.bin %> models --json',
    '<%= config.bin %> models verify',
    '<%= config.bin %> models rm BAAI/Emu',
  ];

  async run(): Promise<void> {
    await this.parse(Models);
    const {describeModels, modelsFolder, unfinishedPulls} = await import('../../cli/models.js');
    const {bytesText} = await import('../../cli/bytesText.js');
    const {hubCacheFolder} = await import('../../userFolders.js');
    const models = describeModels(this.config.configDir);
    const unfinished = await unfinishedPulls();
    const row = (model: DescribedModel) => [
      model.name,
      model.bytes === undefined ? '' : bytesText(model.bytes),
      model.encoding ?? '',
      model.licence ?? 'not stated',
      model.abilities?.join(', ') ?? (model.path ? 'nothing' : ''),
      model.path ?? 'missing',
    ];
    const rows = [[...columns], ...models.map(row)];
    const widths = columns.map((_, i) => Math.max(...rows.map((cells) => cells[i]!.length)));
    const lines = rows.map((cells, i) => {
      const mark = models[i - 1]?.isDefault ? '*' : ' ';
      return `${mark} ${cells.map((cell, j) => cell.padEnd(widths[j]!)).join('  ')}`.trimEnd();
    });
    const folders = {folder: modelsFolder(), hubCache: hubCacheFolder()};
    this.result({models, unfinished, ...folders}, lines.join('\n'));
    for (const {name, problem} of models) if (problem) this.note(`${name}: ${problem}`);
    for (const {repo, done, size} of unfinished)
      this.note(
        `${repo}: a pull was stopped, ${bytesText(done)} of ${bytesText(size)} are here; \`emu pull ${repo}\` goes on, \`emu models rm ${repo}\` deletes them`,
      );
    this.note(`further models are looked for in ${folders.folder} and ${folders.hubCache}`);
  }
}
