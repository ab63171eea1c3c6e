import {userInfo} from 'node:os';
import {Config, run} from '@oclif/core';
import {closest} from '../text/closest.js';
import {reportError, UsageError, wantsJson} from './errors.js';
import {handleSignals} from './interrupt.js';

/** oclif ends a command early (after --help) by throwing this. */
function isExit(error: unknown): error is {oclif: {exit?: number}} {
  return (error as {code?: string})?.code === 'EEXIT';
}

/** oclif asks the system for the user's shell, and fails in a container that runs as nobody it knows. */
function nameShell(): void {
  if (process.env.SHELL !== undefined) return;
  try {
    userInfo();
  } catch {
    process.env.SHELL = 'unknown';
  }
}

/** `emu models foo`: oclif takes a word after a command that has no arguments for a command of its topic. */
function checkTopic(config: Config, [id, word]: readonly string[]): void {
  const command = config.findCommand(id!);
  const names = config.commandIDs.filter((name) => name.startsWith(`${id}:`));
  if (!command || names.length === 0 || word === undefined || word.startsWith('-')) return;
  if (Object.keys(command.args).length > 0 || names.includes(`${id}:${word}`)) return;
  const known = names.map((name) => `\`emu ${name.replace(':', ' ')}\``).join(', ');
  throw new UsageError(`unknown command ${id} ${word}; there are \`emu ${id}\`, ${known}`);
}

function checkCommand(config: Config, argv: readonly string[]): void {
  const [id] = argv;
  if (id === undefined || ['--help', '-h', '--version'].includes(id)) return;
  if (id.startsWith('-'))
    throw new UsageError(`unknown option ${id}; a command comes first, see \`emu help\``);
  checkTopic(config, argv);
  if (config.findCommand(id) || config.findTopic(id)) return;
  const similar = closest(
    id,
    config.commands.filter((command) => !command.hidden).map((command) => command.id),
  );
  const hint = similar ? `did you mean \`emu ${similar}\`?` : '`emu help` lists the commands';
  throw new UsageError(`unknown command ${id}; ${hint}`);
}

/** Runs the command line `argv` of the package at `root`; ends the process with its exit code. */
export async function main(root: string, argv: readonly string[]): Promise<void> {
  handleSignals();
  try {
    nameShell();
    const config = await Config.load(root);
    checkCommand(config, argv);
    await run(argv[0] === '-h' ? ['--help'] : [...argv], config);
  } catch (error) {
    process.exit(isExit(error) ? (error.oclif.exit ?? 0) : reportError(error, wantsJson(argv)));
  }
}
