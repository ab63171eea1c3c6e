import {EmuCommand} from '../cli/command.js';

export default class Models extends EmuCommand {
  static override summary = 'List the names that --model takes.';
  static override description =
    'A folder in models/ of the package, or of the data folder (EMU_HOME), is a model. The default is marked; EMU_MODEL names another.';
  static override examples = ['<%= config.bin %> models', '<%= config.bin %> models --json'];

  async run(): Promise<void> {
    await this.parse(Models);
    const {listModels, modelsFolder} = await import('../cli/models.js');
    const models = listModels(this.config.configDir);
    const width = Math.max(...models.map(({name}) => name.length));
    const rows = models.map((model) => {
      const mark = model.isDefault ? '*' : ' ';
      return `${mark} ${model.name.padEnd(width)}  ${model.path ?? 'missing'}`;
    });
    this.result({models, folder: modelsFolder()}, rows.join('\n'));
    this.note(`further models are looked for in ${modelsFolder()}`);
  }
}
