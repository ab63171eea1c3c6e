// `mpirun -n N emu train` as a person starts it: any number of ranks trains as one does, and a run goes on
// with another number.
import {type ChildProcess, spawn} from 'node:child_process';
import {existsSync, mkdirSync, readFileSync, writeFileSync} from 'node:fs';
import path from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import sharp from 'sharp';
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {Random} from '../../../src/random.js';
import {type Ended, root} from '../../cli/runEmu.js';
import {findGoldens} from '../../support/goldens.js';
import {skip} from '../../support/skip.js';
import {temporaryFolder} from '../../support/temporary.js';
import {metricsOf, runResults} from '../runResults.js';
import {writeTinyRecipe} from '../tinyRecipe.js';
import {whyNoRanks} from './mpirun.js';

const test = suite('emu train under mpirun');
const folder = temporaryFolder();
const STEPS = 50;
