import {loadHelpClass} from '@oclif/core';
import {EmuCommand} from '../cli/command.js';
import {UsageError} from '../cli/errors.js';
import {exitCodesHelp} from '../cli/exitCodesHelp.js';

export default class Help extends EmuCommand {
  static override summary = 'Show the manual of emu or of one command.';
  static override description = '`emu help exit-codes` tells what the exit codes mean.';
  static override usage = 'help [COMMAND]';
  static override strict = false;
  static override examples = [
    '<%= config.bin %> help caption',
    '<%= config.bin %> help exit-codes',
  ];
  static override enableJsonFlag = false;

  async run(): Promise<void> {
    const words = (await this.parse(Help)).argv as string[];
    if (words.join(' ') === 'exit-codes') {
      process.stdout.write(exitCodesHelp());
      return;
    }
    const id = words.join(':');
    const isKnown = id === '' || this.config.findCommand(id) || this.config.findTopic(id);
    if (!isKnown)
      throw new UsageError(`no manual for ${words.join(' ')}; \`emu help\` lists the commands`);
    const HelpClass = await loadHelpClass(this.config);
    await new HelpClass(this.config, this.config.pjson.oclif.helpOptions ?? {}).showHelp(words);
  }
}
