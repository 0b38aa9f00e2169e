import {
  activateGrant,
  approveGrant,
  askToConfirmGrant,
  askToSignGrant,
  confirmGrant,
  endGrant,
  loadConnectStrings,
  loadGrant,
  loadGrants,
  loadRuns,
  loadTree,
  mintGrant,
  openConsole,
  refuseGrant,
  requestGrant,
  settlePrincipalsSoon,
} from '@taskgate/services';
import { asCaller, implementer } from './implementer.ts';

const { grants } = implementer;

export const grantsRouter = grants.router({
  list: grants.list.handler(({ context, input }) => loadGrants(asCaller(context), input)),
  get: grants.get.handler(({ context, input }) => loadGrant(asCaller(context), input)),
  request: grants.request.handler(({ context, input }) => requestGrant(asCaller(context), input)),
  approve: grants.approve.handler(({ context, input }) => approveGrant(asCaller(context), input)),
  askToSign: grants.askToSign.handler(({ context, input }) => askToSignGrant(asCaller(context), input)),
  askToConfirm: grants.askToConfirm.handler(({ context, input }) => askToConfirmGrant(asCaller(context), input)),
  confirm: grants.confirm.handler(({ context, input }) => confirmGrant(asCaller(context), input)),
  refuse: grants.refuse.handler(({ context, input }) => refuseGrant(asCaller(context), input)),
  activate: grants.activate.handler(({ context, input }) => activateGrant(asCaller(context), input)),
  end: grants.end.handler(async ({ context, input }) => {
    const ended = await endGrant(asCaller(context), input);
    settlePrincipalsSoon(context.services);
    return ended;
  }),
  mint: grants.mint.handler(({ context, input: { id, ...wish } }) =>
    mintGrant(asCaller(context), { ...wish, parentId: id }),
  ),
  tree: grants.tree.handler(({ context, input }) => loadTree(asCaller(context), input)),
  runs: grants.runs.handler(({ context, input }) => loadRuns(asCaller(context), input)),
  connect: grants.connect.handler(({ context, input }) => loadConnectStrings(asCaller(context), input)),
  openConsole: grants.openConsole.handler(({ context, input }) => openConsole(asCaller(context), input)),
});
