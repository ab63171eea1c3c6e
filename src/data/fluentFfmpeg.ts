// The same contract as `runFfmpeg`, kept with the package that the project names for videos.
import {Writable} from 'node:stream';
import {FfmpegTimeout, globalOptions, protocolOptions, type RunFfmpeg, Tail} from './ffmpeg.js';

/** `RunFfmpeg` with fluent-ffmpeg. */
export const runFluentFfmpeg: RunFfmpeg = async (ffmpeg, job) => {
  const {default: fluent} = await import('fluent-ffmpeg');
  job.signal?.throwIfAborted();
  return new Promise((resolve, reject) => {
    const stderr = new Tail();
    let failure: {error: unknown} | undefined;
    const command = fluent(`file:${job.input}`)
      .setFfmpegPath(ffmpeg)
      .inputOptions([...globalOptions, ...protocolOptions, ...job.inputOptions])
      .outputOptions([...job.outputOptions]);
    const fail = (error: unknown) => {
      failure ??= {error};
      command.kill('SIGKILL');
    };
    const onAbort = () => fail(job.signal?.reason);
    const onExit = () => command.kill('SIGKILL');
    const timer = setTimeout(() => fail(new FfmpegTimeout(job.timeoutMs)), job.timeoutMs);
    job.signal?.addEventListener('abort', onAbort, {once: true});
    process.once('exit', onExit);

    const settle = (isOk: boolean) => {
      clearTimeout(timer);
      job.signal?.removeEventListener('abort', onAbort);
      process.removeListener('exit', onExit);
      if (failure) reject(failure.error);
      else resolve({isOk, stderr: stderr.toString()});
    };
    // A kill before ffmpeg has started does nothing: repeat it then.
    command.on('start', () => {
      if (failure) command.kill('SIGKILL');
    });
    command.on('stderr', (line: string) => stderr.add(`${line}\n`));
    command.on('end', () => settle(true));
    command.on('error', (error: Error) => {
      stderr.add(`${error.message}\n`);
      settle(false);
    });
    const sink = new Writable({
      // fluent-ffmpeg gives ffmpeg 20 ms to end once its output closes, too few on a busy machine: it is
      // told nothing of the closing and waits for ffmpeg itself.
      emitClose: false,
      write(chunk: Buffer, _encoding, done) {
        try {
          if (!failure) job.onData(chunk);
        } catch (error) {
          fail(error);
        }
        done();
      },
    });
    command.pipe(sink, {end: true});
  });
};
