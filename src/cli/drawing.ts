// What drawings are read from and written with, in one place to be loaded when it is needed.
export {encodePng} from '../data/png.js';
export * from './drawingRecord.js';
export {PREVIEW_SIZE, Preview} from './preview.js';
export {readLatents} from './readLatents.js';
