// Memory and speed of `emu pull` on one large file, from a server on this machine: npm run bench pull [GB].
// The server is another process, and the file costs the disk its size for as long as this runs.
import {spawn} from 'node:child_process';
import {mkdtempSync, readFileSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import path from 'node:path';
import {HubServer, noise} from '../test/support/hubServer.js';

const LIMIT_MB = 200;
const [argument = '3'] = process.argv.slice(2);

if (argument === 'serve') {
  const size = Number(process.argv[3]);
  const files = {'Emu-instruct.pt': noise(size)};
  const server = await HubServer.start({'BAAI/Emu': {commit: 'e'.repeat(40), files}});
  server.hash(files['Emu-instruct.pt']); // before anybody waits for it
  console.log(server.url);
} else {
  const size = Number(argument) * 1e9;
  const root = path.resolve(import.meta.dirname, '..');
  const home = mkdtempSync(path.join(tmpdir(), 'emu-pull-'));
  const tsx = ['--import', 'tsx'];
  const server = spawn(process.execPath, [...tsx, import.meta.filename, 'serve', `${size}`]);
  server.stderr.pipe(process.stderr);
  try {
    const url = await new Promise<string>((resolve) => {
      server.stdout.once('data', (data) => resolve(String(data).trim()));
    });
    const started = performance.now();
    const args = [path.join(root, 'bin', 'emu'), 'pull', 'BAAI/Emu', '--instruct', '--quiet'];
    const env = {...process.env, HF_ENDPOINT: url, HF_HOME: home};
    const pull = spawn(process.execPath, args, {env, stdio: ['ignore', 'ignore', 'inherit']});
    let peak = 0;
    const timer = setInterval(() => {
      peak = Math.max(peak, peakMemory(pull.pid!));
    }, 20);
    const code = await new Promise((resolve) => pull.on('close', resolve));
    clearInterval(timer);
    const seconds = (performance.now() - started) / 1000;
    if (code !== 0 || peak === 0) throw new Error(`emu pull ended with ${code}`);
    console.log(
      `${argument} GB in ${seconds.toFixed(1)} s (fetched, flushed, hashed); most memory at once ${(peak / 1e6).toFixed(0)} MB, limit ${LIMIT_MB} MB`,
    );
    if (peak / 1e6 > LIMIT_MB) process.exitCode = 1;
  } finally {
    server.kill();
    rmSync(home, {recursive: true, force: true});
  }
}

/** Bytes: the most that a process has had in memory so far; 0 when it has ended. */
function peakMemory(pid: number): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    return 1024 * Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0);
  } catch {
    return 0;
  }
}
