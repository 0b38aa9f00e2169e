-- People, machines and agents in one table: whoever may hold a grant. Written by hand: everything is kept.
ALTER TABLE "users" RENAME TO "identities";
ALTER TABLE "identities" RENAME CONSTRAINT "users_pkey" TO "identities_pkey";
ALTER TABLE "identities" RENAME CONSTRAINT "users_email_lower" TO "identities_email_lower";
ALTER INDEX "users_email_key" RENAME TO "identities_email_key";
ALTER TABLE "identities" ALTER COLUMN "email" DROP NOT NULL,
  ALTER COLUMN "passwordHash" DROP NOT NULL,
  ADD COLUMN "kind" TEXT NOT NULL DEFAULT 'person',
  ADD COLUMN "actsForId" TEXT;
CREATE INDEX "identities_actsForId_idx" ON "identities"("actsForId");
ALTER TABLE "identities" ADD CONSTRAINT "identities_actsForId_fkey" FOREIGN KEY ("actsForId") REFERENCES "identities"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

ALTER TABLE "grants" RENAME COLUMN "userId" TO "identityId";
ALTER TABLE "grants" RENAME CONSTRAINT "grants_userId_fkey" TO "grants_identityId_fkey";
ALTER INDEX "grants_userId_state_idx" RENAME TO "grants_identityId_state_idx";
ALTER TABLE "api_tokens" RENAME COLUMN "userId" TO "identityId";
ALTER TABLE "api_tokens" RENAME CONSTRAINT "api_tokens_userId_fkey" TO "api_tokens_identityId_fkey";
ALTER INDEX "api_tokens_userId_idx" RENAME TO "api_tokens_identityId_idx";

-- A person has an address; only people have one, or a password. An agent acts for somebody, always.
ALTER TABLE "identities" ADD CONSTRAINT "identities_kind" CHECK ("kind" IN ('person', 'machine', 'agent')),
  ADD CONSTRAINT "identities_person" CHECK (("kind" = 'person') = ("email" IS NOT NULL) AND ("kind" = 'person' OR "passwordHash" IS NULL)),
  ADD CONSTRAINT "identities_agent" CHECK (("kind" = 'agent') = ("actsForId" IS NOT NULL) AND "actsForId" <> "id");
-- Tasks name machines and agents by their names.
CREATE UNIQUE INDEX "identities_kind_name_key" ON "identities" ("kind", "name") WHERE "kind" <> 'person';
