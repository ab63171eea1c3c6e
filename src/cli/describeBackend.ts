import type {BackendReport} from './reports.js';

/** A backend in one line: "yes" and what it can, or "no", why, and what would mend it. */
export function describeBackend(report: BackendReport): string {
  const {available, isas, compute, reason, version, device, hint} = report;
  if (!available) return `no: ${reason}`;
  if (isas) return `yes (${isas.join(', ')}; --compute ${compute?.join(' or ')})`;
  if (!version) return 'yes';
  return `yes (TensorFlow ${version} on the ${device === 'gpu' ? 'GPU' : 'CPU'}${hint ? `; ${hint}` : ''})`;
}
