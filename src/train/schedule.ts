export interface Schedule {
  readonly warmupSteps: number;
  readonly totalSteps: number;
  /** Where the cosine ends, as a share of the peak. */
  readonly finalShare: number;
}

/** Factor on the peak learning rate at step s = 1, 2, ...: linear warm-up, then half a cosine. */
export function learningRateFactor(
  step: number,
  {warmupSteps, totalSteps, finalShare}: Schedule,
): number {
  if (step <= warmupSteps) return step / warmupSteps;
  const progress = (step - warmupSteps) / Math.max(1, totalSteps - warmupSteps);
  return finalShare + (1 - finalShare) * 0.5 * (1 + Math.cos(Math.PI * Math.min(1, progress)));
}
