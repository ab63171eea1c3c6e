// What can be scored on a kind of question without looking at the picture, counted on its generator.
import type {Question} from './questions.js';

export interface Prior {
  readonly draws: number;
  /** Share of the most frequent answer; one that repeats a name of its question counts by its form. */
  readonly majority: number;
  /** Share that the best guess from the question's wording gets, on draws it was not counted on. */
  readonly wording: number;
}

class Counts {
  private readonly answers = new Map<string, Map<string, number>>();

  add(given: string, answer: string): void {
    const counts = this.answers.get(given) ?? new Map<string, number>();
    this.answers.set(given, counts.set(answer, (counts.get(answer) ?? 0) + 1));
  }

  /** The most frequent answer and how often it came. */
  best(given: string): [string, number] | undefined {
    return [...(this.answers.get(given) ?? [])].sort(([, a], [, b]) => b - a)[0];
  }
}

/** Counts on half of the draws, guesses the other half. */
export function measurePrior(draw: () => Question, draws: number): Prior {
  const questions = Array.from({length: draws}, draw);
  const all = new Counts();
  for (const {answer, answerForm} of questions) {
    all.add('answer', answer);
    all.add('form', answerForm);
  }
  // "a {X}" names what the question does not: only forms whose names are asked repeat any.
  const repeats = questions.every(({form, answerForm}) =>
    namesIn(answerForm).every((name) => form.includes(name)),
  );
  const majority = all.best(repeats ? 'form' : 'answer')![1] / draws;

  const half = draws >> 1;
  const [byForm, byQuestion] = [new Counts(), new Counts()];
  for (const {question, answer, form, answerForm} of questions.slice(0, half)) {
    byForm.add(form, answerForm);
    byQuestion.add(question, answer);
  }
  let [rightForms, rightQuestions] = [0, 0];
  for (const {question, answer, form, answerForm} of questions.slice(half)) {
    if (byForm.best(form)?.[0] === answerForm) rightForms++;
    if (byQuestion.best(question)?.[0] === answer) rightQuestions++;
  }
  const right = repeats ? Math.max(rightForms, rightQuestions) : rightQuestions;
  return {draws, majority, wording: right / (draws - half)};
}

/** The names that a form has places for. */
export function namesIn(form: string): string[] {
  return [...form.matchAll(/[XY](?=\})/g)].map(([name]) => `${name}}`);
}
