import {DdimScheduler} from './ddim.js';
import {DpmSolverScheduler} from './dpmSolver.js';
import {EulerScheduler} from './euler.js';
import type {SchedulerName} from './names.js';
import {PndmScheduler} from './pndm.js';
import type {Scheduler, SchedulerOptions} from './scheduler.js';

export {type SchedulerName, schedulerNames} from './names.js';
export type {Scheduler} from './scheduler.js';

const schedulers: Record<SchedulerName, new (options: SchedulerOptions) => Scheduler> = {
  pndm: PndmScheduler,
  ddim: DdimScheduler,
  euler: EulerScheduler,
  'dpm++2m': DpmSolverScheduler,
};

export function createScheduler(name: SchedulerName, options: SchedulerOptions): Scheduler {
  return new schedulers[name](options);
}
