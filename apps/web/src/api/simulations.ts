import { loadSimulation, startSimulation } from '@taskgate/services';
import { asCaller, implementer } from './implementer.ts';

const { simulations } = implementer;

export const simulationsRouter = simulations.router({
  start: simulations.start.handler(({ context, input }) => startSimulation(asCaller(context), input)),
  get: simulations.get.handler(({ context, input }) => loadSimulation(asCaller(context), input)),
});
