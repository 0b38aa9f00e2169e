import { pending } from '@/lib/pending.ts';
import { implementer } from './implementer.ts';

const { people } = implementer;

export const peopleRouter = people.router({
  login: people.login.handler(() => pending('people.login')),
  me: people.me.handler(() => pending('people.me')),
  webSessions: people.webSessions.handler(() => pending('people.webSessions')),
  endWebSession: people.endWebSession.handler(() => pending('people.endWebSession')),
  changePassword: people.changePassword.handler(() => pending('people.changePassword')),
  apiTokens: people.apiTokens.handler(() => pending('people.apiTokens')),
  createApiToken: people.createApiToken.handler(() => pending('people.createApiToken')),
  revokeApiToken: people.revokeApiToken.handler(() => pending('people.revokeApiToken')),
  users: people.users.handler(() => pending('people.users')),
  createUser: people.createUser.handler(() => pending('people.createUser')),
  updateUser: people.updateUser.handler(() => pending('people.updateUser')),
  endUserSessions: people.endUserSessions.handler(() => pending('people.endUserSessions')),
  groups: people.groups.handler(() => pending('people.groups')),
  createGroup: people.createGroup.handler(() => pending('people.createGroup')),
  updateGroup: people.updateGroup.handler(() => pending('people.updateGroup')),
});
