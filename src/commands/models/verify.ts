import {Args} from '@oclif/core';
import {EmuCommand} from '../../cli/command.js';
import {exitCodes} from '../../errors.js';
import type {VerifiedFile} from '../../hub/verifyModels.js';

export default class ModelsVerify extends EmuCommand {
  static override summary = 'Check the files of a model, or of all.';
  static override description =
    'Files that were pulled are read and hashed again and compared with what the hub said; of other models the form is checked: every tensor there, of its shape, the file of its length. Says which file is bad and how to mend it; exit code 3 when one is.';
  static override examples = [
    '<%= config.bin %> models verify',
    '<%= config.bin %> models verify BAAI/Emu',
  ];
  static override args = {
    name: Args.string({description: 'as --model takes it (default: every model of `emu models`)'}),
  };

  async run(): Promise<void> {
    const {args} = await this.parse(ModelsVerify);
    const {verifyModel} = await import('../../hub/verifyModels.js');
    const {knownModels} = await import('../../weights/locate.js');
    const names = args.name === undefined ? [...knownModels().keys()] : [args.name];
    const progress = await this.progress();
    try {
      for (const name of names) {
        const files = await verifyModel(name, (file, fraction) =>
          progress.update(`checking ${name}: ${file}`, fraction),
        );
        progress.stop();
        const isGood = files.every(({problem}) => problem === undefined);
        this.result({name, isGood, files}, describe(name, files).join('\n'));
        if (!isGood) process.exitCode = exitCodes.model;
      }
    } finally {
      progress.stop();
    }
  }
}

function describe(name: string, files: readonly VerifiedFile[]): string[] {
  const bad = files.flatMap(({file, problem}) =>
    problem === undefined ? [] : [problem.startsWith(file) ? problem : `${file}: ${problem}`],
  );
  if (bad.length > 0) return bad.map((problem) => `${name}: BAD ${problem}`);
  const hashed = files.filter(({by}) => by === 'hash').length;
  const by = hashed > 0 ? `${hashed} files have their hashes` : 'no hashes are known of it';
  return [`${name}: good (${by}; every tensor is there)`];
}
