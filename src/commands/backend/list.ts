import {EmuCommand} from '../../cli/command.js';
import {describeBackend} from '../../cli/describeBackend.js';

export default class BackendList extends EmuCommand {
  static override summary = 'List the backends, whether they can be used, and which one is taken.';
  static override examples = ['<%= config.bin %> backend list'];

  async run(): Promise<void> {
    await this.parse(BackendList);
    const {backends} = await import('../../cli/doctor.js');
    const {backends: found, auto} = await backends();
    const rows = found.map((one): [string, string] => [one.name, describeBackend(one)]);
    rows.push(['auto', `${auto.backend}: ${auto.reason}`]);
    const lines = rows.map(([name, text]) => `${name.padEnd(10)}  ${text}`);
    this.result({backends: found, auto}, lines.join('\n'));
  }
}
