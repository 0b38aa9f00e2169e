import { approveHold, askToSignHold, cancelHold, loadHold, refuseHold } from '@taskgate/services';
import { asCaller, implementer } from './implementer.ts';

const { holds } = implementer;

export const holdsRouter = holds.router({
  get: holds.get.handler(({ context, input }) => loadHold(asCaller(context), input)),
  approve: holds.approve.handler(({ context, input }) => approveHold(asCaller(context), input)),
  askToSign: holds.askToSign.handler(({ context, input }) => askToSignHold(asCaller(context), input)),
  refuse: holds.refuse.handler(({ context, input }) => refuseHold(asCaller(context), input)),
  cancel: holds.cancel.handler(({ context, input }) => cancelHold(asCaller(context), input)),
});
