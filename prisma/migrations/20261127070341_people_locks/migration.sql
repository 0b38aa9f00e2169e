-- AlterTable
ALTER TABLE "identities" ADD COLUMN     "lockedByHand" BOOLEAN NOT NULL DEFAULT false;

-- AlterTable
ALTER TABLE "sign_in_flows" ADD COLUMN     "startedById" TEXT;

-- AlterTable
ALTER TABLE "directory_users" ADD COLUMN     "emailChanged" BOOLEAN NOT NULL DEFAULT false;

-- Who locked whom was not kept: no directory takes off what may have been an admin's lock.
UPDATE "identities" SET "lockedByHand" = true WHERE "disabledAt" IS NOT NULL;

-- Whom a directory removed leaves nothing to the next person of the address.
UPDATE "identities" i SET "passwordHash" = NULL, "email" = i."email" || ' (removed ' || i."id" || ')'
FROM "directory_users" d WHERE d."identityId" = i."id" AND d."removedAt" IS NOT NULL;

DELETE FROM "passkeys" p USING "directory_users" d WHERE d."identityId" = p."identityId" AND d."removedAt" IS NOT NULL;

UPDATE "identities" i SET "disabledAt" = d."removedAt", "lockedByHand" = true
FROM "directory_users" d WHERE d."identityId" = i."actsForId" AND d."removedAt" IS NOT NULL AND i."disabledAt" IS NULL;
