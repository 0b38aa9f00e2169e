import {
  changePassword,
  createApiToken,
  createGroup,
  createUser,
  endUserSessions,
  endWebSession,
  loadAccess,
  loadApiTokens,
  loadGroups,
  loadMe,
  loadReach,
  loadUsers,
  loadWebSessions,
  login,
  offboard,
  revokeApiToken,
  settlePrincipalsSoon,
  updateGroup,
  updateUser,
} from '@taskgate/services';
import { asCaller, implementer } from './implementer.ts';

const { people } = implementer;

export const peopleRouter = people.router({
  login: people.login.handler(({ context, input }) =>
    login(context.services, input, { address: context.clientAddress, userAgent: context.userAgent }),
  ),
  me: people.me.handler(({ context }) => loadMe(asCaller(context))),
  webSessions: people.webSessions.handler(({ context }) => loadWebSessions(asCaller(context))),
  endWebSession: people.endWebSession.handler(({ context, input }) => endWebSession(asCaller(context), input)),
  changePassword: people.changePassword.handler(({ context, input }) => changePassword(asCaller(context), input)),
  apiTokens: people.apiTokens.handler(({ context }) => loadApiTokens(asCaller(context))),
  createApiToken: people.createApiToken.handler(({ context, input }) => createApiToken(asCaller(context), input)),
  revokeApiToken: people.revokeApiToken.handler(({ context, input }) => revokeApiToken(asCaller(context), input)),
  users: people.users.handler(({ context, input }) => loadUsers(asCaller(context), input)),
  createUser: people.createUser.handler(({ context, input }) => createUser(asCaller(context), input)),
  updateUser: people.updateUser.handler(async ({ context, input }) => {
    const user = await updateUser(asCaller(context), input);
    settlePrincipalsSoon(context.services);
    return user;
  }),
  endUserSessions: people.endUserSessions.handler(({ context, input }) => endUserSessions(asCaller(context), input)),
  reach: people.reach.handler(({ context, input }) => loadReach(asCaller(context), input)),
  offboard: people.offboard.handler(async ({ context, input }) => {
    const ended = await offboard(asCaller(context), input);
    settlePrincipalsSoon(context.services);
    return ended;
  }),
  access: people.access.handler(({ context }) => loadAccess(asCaller(context))),
  groups: people.groups.handler(({ context }) => loadGroups(asCaller(context))),
  createGroup: people.createGroup.handler(({ context, input }) => createGroup(asCaller(context), input)),
  updateGroup: people.updateGroup.handler(({ context, input }) => updateGroup(asCaller(context), input)),
});
