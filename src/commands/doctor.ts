import {EmuCommand} from '../cli/command.js';
import {describeBackend} from '../cli/describeBackend.js';
import type {ProgramReport} from '../cli/reports.js';
import {settingsFile} from '../cli/settings.js';
import {gigabytes} from '../gigabytes.js';
import {hubCacheFolder} from '../userFolders.js';

function describeProgram({available, path, version, origin, reason}: ProgramReport): string {
  const place = path ? ` at ${path}` : '';
  if (!available) return `no${place}: ${reason}${version ? ` (${version})` : ''}`;
  return `${version}${place}${origin ? ` (from ${origin})` : ''}`;
}

export default class Doctor extends EmuCommand {
  static override summary = 'Say what this machine has and what emu can do with it.';
  static override description =
    'Machine, processor, backends and why one cannot load, which one is taken, GPU, ffmpeg, MPI, folders, models. Works when the rest does not.';
  static override examples = ['<%= config.bin %> doctor', '<%= config.bin %> doctor --json'];

  async run(): Promise<void> {
    await this.parse(Doctor);
    const probes = await import('../cli/doctor.js');
    const {version, configDir, cacheDir, root} = this.config;
    const {models, ...modelsReport} = await probes.models(configDir);
    const report = {
      emu: version,
      node: process.version,
      machine: probes.machine(),
      cpuFeatures: probes.cpuFeatures(),
      ...(await probes.backends()),
      tools: await probes.tools(),
      sharp: probes.sharp(),
      ffmpeg: await probes.ffmpeg(),
      mpi: await probes.mpi(),
      folders: {
        package: root,
        settings: settingsFile(configDir),
        cache: cacheDir,
        hub: hubCacheFolder(),
      },
      models,
      ...modelsReport,
    };
    const {machine, modelsProblem} = report;
    const rows: [string, string][] = [
      ['emu', `${version}, Node ${process.version}`],
      ['system', machine.system],
      ['processor', `${machine.cpu}, ${machine.cores} cores`],
      ['features', report.cpuFeatures.join(' ') || 'unknown'],
      ['memory', `${gigabytes(machine.memory)}, ${gigabytes(machine.freeMemory)} free`],
      ...report.backends.map((backend): [string, string] => [
        backend.name,
        describeBackend(backend),
      ]),
      ['auto', `${report.auto.backend}: ${report.auto.reason}`],
      ['gpu', describeProgram(report.gpu)],
      ['cuda', describeProgram(report.cuda)],
      ['installer', describeProgram(report.tools)],
      ['sharp', describeProgram(report.sharp)],
      ['ffmpeg', describeProgram(report.ffmpeg)],
      ['mpi', describeProgram(report.mpi)],
      ...Object.entries(report.folders),
      ...models.map(({name, path}): [string, string] => [name, path ?? 'missing']),
      ...(modelsProblem ? [['models', modelsProblem] as [string, string]] : []),
    ];
    const width = Math.max(...rows.map(([key]) => key.length));
    this.result(report, rows.map(([key, value]) => `${key.padEnd(width)}  ${value}`).join('\n'));
  }
}
