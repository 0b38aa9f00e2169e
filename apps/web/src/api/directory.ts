import {
  createScimToken,
  loadDirectory,
  mapDirectoryGroups,
  revokeScimToken,
  settlePrincipalsSoon,
} from '@taskgate/services';
import { asCaller, implementer } from './implementer.ts';

const { directory } = implementer;

export const directoryRouter = directory.router({
  get: directory.get.handler(({ context }) => loadDirectory(asCaller(context))),
  createToken: directory.createToken.handler(({ context, input }) => createScimToken(asCaller(context), input)),
  revokeToken: directory.revokeToken.handler(({ context, input }) => revokeScimToken(asCaller(context), input)),
  mapGroups: directory.mapGroups.handler(async ({ context, input }) => {
    const answer = await mapDirectoryGroups(asCaller(context), input);
    settlePrincipalsSoon(context.services);
    return answer;
  }),
});
