// Right and wrong answers as scores of each kind of question, with baselines and controls beside them.
import type {KindScore, Scores} from './benchmark.js';

export interface JudgedAnswer {
  /** What it counts in. */
  readonly metrics: readonly string[];
  readonly isRight: boolean;
  /** The control that it is of; such an answer counts in no metric, but beside it. */
  readonly control?: string;
}

interface Share {
  readonly right: number;
  readonly count: number;
}

function shareOf(answers: readonly JudgedAnswer[]): Share {
  return {right: answers.filter(({isRight}) => isRight).length, count: answers.length};
}

const percent = ({right, count}: Share) => (100 * right) / count;

/** Of the score, in percent. */
function standardError({right, count}: Share): number {
  const share = right / count;
  return 100 * Math.sqrt((share * (1 - share)) / count);
}

/** Percent right by metric, in the order in which they come; `baselines` are shares, by metric. */
export function groupScores(
  answers: readonly JudgedAnswer[],
  baselines: ReadonlyMap<string, Readonly<Record<string, number>>>,
): Scores {
  const metrics = [...new Set(answers.flatMap((answer) => answer.metrics))];
  const values: Record<string, number> = {};
  const perItem: Record<string, (number | undefined)[]> = {};
  const kinds: KindScore[] = [];
  for (const metric of metrics) {
    const counts = ({metrics: own, control}: JudgedAnswer) =>
      control === undefined && own.includes(metric);
    const share = shareOf(answers.filter(counts));
    values[metric] = percent(share);
    perItem[metric] = answers.map((answer) =>
      counts(answer) ? (answer.isRight ? 100 : 0) : undefined,
    );
    const beside = baselines.get(metric);
    if (beside)
      kinds.push({
        kind: metric,
        count: share.count,
        error: standardError(share),
        baselines: Object.fromEntries(
          Object.entries(beside).map(([name, value]) => [name, 100 * value]),
        ),
        controls: controlScores(answers.filter((answer) => answer.metrics.includes(metric))),
      });
  }
  return {values, perItem, kinds};
}

function controlScores(answers: readonly JudgedAnswer[]): KindScore['controls'] {
  const names = [...new Set(answers.flatMap(({control}) => control ?? []))];
  return Object.fromEntries(
    names.map((name) => {
      const share = shareOf(answers.filter(({control}) => control === name));
      return [name, {score: percent(share), count: share.count}];
    }),
  );
}
