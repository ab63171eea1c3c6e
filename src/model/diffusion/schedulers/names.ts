/** Solvers of the command line, Emu's own first. */
export const schedulerNames = ['pndm', 'ddim', 'euler', 'dpm++2m'] as const;
export type SchedulerName = (typeof schedulerNames)[number];
