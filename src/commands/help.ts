import {Args, loadHelpClass} from '@oclif/core';
import {EmuCommand} from '../cli/command.js';
import {exitCodesHelp} from '../cli/exitCodesHelp.js';
import {UsageError} from '../cli/errors.js';

export default class Help extends EmuCommand {
  static override summary =
    'Show the manual of emu or of one command; `help exit-codes`: what they mean.';
  static override examples = [
    '<%= config.bin %> help caption',
    '<%= config.bin %> help exit-codes',
  ];
  static override enableJsonFlag = false;
  static override args = {
    topic: Args.string({description: 'a command, or exit-codes'}),
  };

  async run(): Promise<void> {
    const {args} = await this.parse(Help);
    const {topic} = args;
    if (topic === 'exit-codes') {
      process.stdout.write(exitCodesHelp());
      return;
    }
    if (topic !== undefined && !this.config.findCommand(topic))
      throw new UsageError(`no manual for ${topic}; \`emu help\` lists the commands`);
    const HelpClass = await loadHelpClass(this.config);
    await new HelpClass(this.config, this.config.pjson.oclif.helpOptions ?? {}).showHelp(
      topic === undefined ? [] : [topic],
    );
  }
}
