import {
  askToProve,
  askToRegister,
  askToSignIn,
  loadPasskeys,
  registerPasskey,
  removePasskey,
  removePasskeysOf,
  renamePasskey,
} from '@taskgate/services';
import { asCaller, implementer } from './implementer.ts';

const { passkeys } = implementer;

export const passkeysRouter = passkeys.router({
  list: passkeys.list.handler(({ context }) => loadPasskeys(asCaller(context))),
  askToProve: passkeys.askToProve.handler(({ context }) => askToProve(asCaller(context))),
  askToRegister: passkeys.askToRegister.handler(({ context, input }) => askToRegister(asCaller(context), input)),
  register: passkeys.register.handler(({ context, input }) => registerPasskey(asCaller(context), input)),
  rename: passkeys.rename.handler(({ context, input }) => renamePasskey(asCaller(context), input)),
  remove: passkeys.remove.handler(({ context, input }) => removePasskey(asCaller(context), input)),
  removeAllOf: passkeys.removeAllOf.handler(({ context, input }) => removePasskeysOf(asCaller(context), input)),
  askToSignIn: passkeys.askToSignIn.handler(({ context }) =>
    askToSignIn(context.services, { address: context.clientAddress, userAgent: context.userAgent }),
  ),
});
