import {Args} from '@oclif/core';
import {EmuCommand} from '../cli/command.js';
import {
  readSettings,
  type SettingName,
  settingName,
  settingNames,
  settingsFile,
  writeSetting,
} from '../cli/settings.js';

const actions = ['list', 'get', 'set', 'unset', 'path'] as const;

/** A setting as it holds, and what says so. */
interface Setting {
  readonly name: SettingName;
  readonly value: string;
  readonly from: string;
}

export default class Config extends EmuCommand {
  static override summary = 'Show and change your own defaults: model, backend, threads, compute.';
  static override description =
    'They hold where neither a flag nor a variable (EMU_MODEL, EMU_BACKEND, EMU_THREADS, EMU_COMPUTE) says otherwise. `path` names the file that they stand in.';
  static override usage = [
    'config [list | path]',
    'config get|unset NAME',
    'config set NAME VALUE',
  ];
  static override examples = [
    '<%= config.bin %> config',
    '<%= config.bin %> config set model ~/models/emu-14b',
    '<%= config.bin %> config get model',
    '<%= config.bin %> config unset model',
  ];
  static override args = {
    action: Args.string({
      description: 'what to do (default: list)',
      options: [...actions],
      default: 'list',
    }),
    name: Args.string({description: `a setting: ${Object.keys(settingNames).join(', ')}`}),
    value: Args.string({description: 'its value'}),
  };

  async run(): Promise<void> {
    const {args} = await this.parse(Config);
    const {configDir} = this.config;
    const file = settingsFile(configDir);
    const action = args.action as (typeof actions)[number];
    const takes = {list: 0, path: 0, get: 1, unset: 1, set: 2}[action];
    const given = [args.name, args.value].filter((word) => word !== undefined);
    if (given.length > takes) throw this.usage(`${action}: unexpected ${given[takes]}`);
    if (given.length < takes)
      throw this.usage(`${action}: missing ${args.name === undefined ? 'NAME' : 'VALUE'}`);
    if (action === 'path') return this.result({file}, file);
    if (action === 'list') {
      const settings = this.settings();
      const width = Math.max(...settings.map(({value}) => value.length));
      const rows = settings.map(
        ({name, value, from}) => `${name.padEnd(7)}  ${value.padEnd(width)}  ${from}`,
      );
      return this.result({file, settings}, rows.join('\n'));
    }
    const name = settingName(args.name!);
    if (action === 'set') writeSetting(configDir, name, args.value);
    if (action === 'unset') writeSetting(configDir, name, undefined);
    const setting = this.settings().find((one) => one.name === name)!;
    if (action === 'get') return this.result(setting, setting.value);
    this.result({file, ...setting}, `${name} ${setting.value} (${setting.from})`);
  }

  private settings(): Setting[] {
    const own = readSettings(this.config.configDir);
    return Object.entries(settingNames).map(([key, {variable, default: standard}]) => {
      const name = key as SettingName;
      const fromVariable = process.env[variable];
      if (fromVariable) return {name, value: fromVariable, from: variable};
      if (own[name] !== undefined) return {name, value: String(own[name]), from: 'config'};
      return {name, value: standard, from: 'default'};
    });
  }
}
