import {DdimScheduler} from './ddim.js';
import {DpmSolverScheduler} from './dpmSolver.js';
import {EulerScheduler} from './euler.js';
import {PndmScheduler} from './pndm.js';
import type {Scheduler, SchedulerOptions} from './scheduler.js';

export type {Scheduler} from './scheduler.js';

const schedulers = {
  pndm: PndmScheduler,
  ddim: DdimScheduler,
  euler: EulerScheduler,
  'dpm++2m': DpmSolverScheduler,
} as const;

export type SchedulerName = keyof typeof schedulers;
export const schedulerNames = Object.keys(schedulers) as readonly SchedulerName[];

export function createScheduler(name: SchedulerName, options: SchedulerOptions): Scheduler {
  return new schedulers[name](options);
}
