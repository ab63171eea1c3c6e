// The baseline that takes pictures to compute: what the nearest training picture would have answered.
import type {Benchmark} from './benchmark.js';
import type {MatchedPredictions} from './matchPredictions.js';
import type {ScoredRun} from './result.js';

/** The run with `nearest` among the baselines of its kinds, where the benchmark has one. */
export async function addNearest(
  benchmark: Benchmark,
  {predicted}: MatchedPredictions,
  run: ScoredRun,
): Promise<ScoredRun> {
  const {kinds} = run.result;
  if (!benchmark.nearest || !kinds) return run;
  const questions = predicted.map(({item}) => item).filter(({control}) => !control);
  const nearest = await benchmark.nearest(questions);
  const beside = kinds.map((one) => {
    const value = nearest.get(one.kind);
    return value === undefined ? one : {...one, baselines: {...one.baselines, nearest: value}};
  });
  return {...run, result: {...run.result, kinds: beside}};
}
