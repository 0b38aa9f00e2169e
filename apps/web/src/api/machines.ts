import {
  checkIssuerKeys,
  createIssuer,
  createMachine,
  createMachineSecret,
  loadIssuers,
  loadMachine,
  loadMachines,
  revokeMachineSecret,
  rotateMachineSecret,
  settlePrincipalsSoon,
  tryToken,
  updateIssuer,
  updateMachine,
} from '@taskgate/services';
import { asCaller, implementer } from './implementer.ts';

const { issuers, machines } = implementer;

export const issuersRouter = issuers.router({
  list: issuers.list.handler(({ context }) => loadIssuers(asCaller(context))),
  create: issuers.create.handler(({ context, input }) => createIssuer(asCaller(context), input)),
  update: issuers.update.handler(async ({ context, input }) => {
    const issuer = await updateIssuer(asCaller(context), input);
    settlePrincipalsSoon(context.services);
    return issuer;
  }),
  checkKeys: issuers.checkKeys.handler(({ context, input }) => checkIssuerKeys(asCaller(context), input)),
});

export const machinesRouter = machines.router({
  list: machines.list.handler(({ context, input }) => loadMachines(asCaller(context), input)),
  get: machines.get.handler(({ context, input }) => loadMachine(asCaller(context), input)),
  create: machines.create.handler(({ context, input }) => createMachine(asCaller(context), input)),
  update: machines.update.handler(async ({ context, input }) => {
    const machine = await updateMachine(asCaller(context), input);
    settlePrincipalsSoon(context.services);
    return machine;
  }),
  tryToken: machines.tryToken.handler(({ context, input }) => tryToken(asCaller(context), input)),
  createSecret: machines.createSecret.handler(({ context, input }) => createMachineSecret(asCaller(context), input)),
  rotateSecret: machines.rotateSecret.handler(({ context, input }) => rotateMachineSecret(asCaller(context), input)),
  revokeSecret: machines.revokeSecret.handler(({ context, input }) => revokeMachineSecret(asCaller(context), input)),
});
