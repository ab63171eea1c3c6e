// Lets worker threads run TypeScript as the test itself does: tsx registers itself in the main thread only.
import {isMainThread} from 'node:worker_threads';

if (!isMainThread) (await import('tsx/esm/api')).register();
