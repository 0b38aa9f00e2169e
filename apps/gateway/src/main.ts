import cluster from 'node:cluster';
import { readEnvironment } from './env.ts';

const { processes } = readEnvironment(process.env);
// The first of several holds nothing of a gateway: it only starts and stops the others.
if (processes > 1 && cluster.isPrimary) (await import('./run-processes.ts')).runProcesses(processes);
else await import('./run-gateway.ts');
