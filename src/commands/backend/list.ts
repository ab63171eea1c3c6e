import {EmuCommand} from '../../cli/command.js';
import {describeBackend} from '../../cli/describeBackend.js';

export default class BackendList extends EmuCommand {
  static override summary = 'List the backends and whether they can be used.';
  static override examples = ['<%= config.bin %> backend list'];

  async run(): Promise<void> {
    await this.parse(BackendList);
    const {backends} = await import('../../cli/doctor.js');
    const found = await backends();
    const lines = found.map((one) => `${one.name.padEnd(10)}  ${describeBackend(one)}`);
    this.result({backends: found}, lines.join('\n'));
  }
}
