import { decideDeviceSignIn, findDeviceSignIn } from '@taskgate/services';
import { asCaller, implementer } from './implementer.ts';

const { devices } = implementer;

export const devicesRouter = devices.router({
  find: devices.find.handler(({ context, input }) => findDeviceSignIn(asCaller(context), input, context.clientAddress)),
  decide: devices.decide.handler(({ context, input }) =>
    decideDeviceSignIn(asCaller(context), input, context.clientAddress),
  ),
});
