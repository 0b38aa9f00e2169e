export { isSecretColumn, SECRET_COLUMNS } from './column-classes.ts';
export { createDatabase, type Database, type Transaction } from './create-database.ts';
export { Prisma } from './generated/client.ts';
export type * from './generated/models.ts';
export { type MigrateResult, migrate } from './migrate.ts';
