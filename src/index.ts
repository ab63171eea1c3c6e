export {
  Emu,
  type Item,
  type LoadOptions,
  type TextEvent,
  type TextOptions,
  type TextResult,
  type TraceTensor,
} from './emu.js';
export {EmuError, InputError, ModelError} from './errors.js';
