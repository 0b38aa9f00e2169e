-- AlterTable
ALTER TABLE "memberships" DROP CONSTRAINT "memberships_pkey",
ADD COLUMN     "source" TEXT NOT NULL DEFAULT 'hand',
ADD CONSTRAINT "memberships_pkey" PRIMARY KEY ("userId", "groupId", "source");

-- AlterTable
ALTER TABLE "web_sessions" ADD COLUMN     "providerId" TEXT;

-- CreateTable
CREATE TABLE "sign_in_providers" (
    "id" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "title" TEXT NOT NULL,
    "kind" TEXT NOT NULL,
    "enabled" BOOLEAN NOT NULL,
    "settings" JSONB NOT NULL,
    "sealedSecret" BYTEA,
    "emailTrust" TEXT NOT NULL,
    "createPeople" BOOLEAN NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL,
    "updatedAt" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "sign_in_providers_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "provider_links" (
    "providerId" TEXT NOT NULL,
    "subject" TEXT NOT NULL,
    "identityId" TEXT NOT NULL,
    "groups" TEXT[],
    "createdAt" TIMESTAMPTZ(3) NOT NULL,
    "lastSignInAt" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "provider_links_pkey" PRIMARY KEY ("providerId","subject")
);

-- CreateTable
CREATE TABLE "group_mappings" (
    "source" TEXT NOT NULL,
    "external" TEXT NOT NULL,
    "groupId" TEXT NOT NULL,

    CONSTRAINT "group_mappings_pkey" PRIMARY KEY ("source","external","groupId")
);

-- CreateTable
CREATE TABLE "sign_in_flows" (
    "id" TEXT NOT NULL,
    "providerId" TEXT NOT NULL,
    "browserHash" BYTEA NOT NULL,
    "requestKey" TEXT NOT NULL,
    "sealedSecrets" BYTEA,
    "next" TEXT NOT NULL,
    "address" TEXT NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL,
    "expiresAt" TIMESTAMPTZ(3) NOT NULL,
    "answeredAt" TIMESTAMPTZ(3),
    "identityId" TEXT,
    "codeHash" BYTEA,

    CONSTRAINT "sign_in_flows_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "used_assertions" (
    "providerId" TEXT NOT NULL,
    "assertionId" TEXT NOT NULL,
    "expiresAt" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "used_assertions_pkey" PRIMARY KEY ("providerId","assertionId")
);

-- CreateTable
CREATE TABLE "scim_tokens" (
    "id" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "hash" BYTEA NOT NULL,
    "adopts" BOOLEAN NOT NULL,
    "createdById" TEXT,
    "createdAt" TIMESTAMPTZ(3) NOT NULL,
    "expiresAt" TIMESTAMPTZ(3) NOT NULL,
    "lastUsedAt" TIMESTAMPTZ(3),
    "revokedAt" TIMESTAMPTZ(3),

    CONSTRAINT "scim_tokens_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "directory_users" (
    "identityId" TEXT NOT NULL,
    "userName" TEXT NOT NULL,
    "nameKey" TEXT NOT NULL,
    "externalId" TEXT,
    "active" BOOLEAN NOT NULL,
    "attributes" JSONB NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL,
    "updatedAt" TIMESTAMPTZ(3) NOT NULL,
    "removedAt" TIMESTAMPTZ(3),

    CONSTRAINT "directory_users_pkey" PRIMARY KEY ("identityId")
);

-- CreateTable
CREATE TABLE "directory_groups" (
    "id" TEXT NOT NULL,
    "displayName" TEXT NOT NULL,
    "nameKey" TEXT NOT NULL,
    "externalId" TEXT,
    "createdAt" TIMESTAMPTZ(3) NOT NULL,
    "updatedAt" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "directory_groups_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "directory_members" (
    "groupId" TEXT NOT NULL,
    "identityId" TEXT NOT NULL,

    CONSTRAINT "directory_members_pkey" PRIMARY KEY ("groupId","identityId")
);

-- CreateIndex
CREATE UNIQUE INDEX "sign_in_providers_name_key" ON "sign_in_providers"("name");

-- CreateIndex
CREATE INDEX "provider_links_identityId_idx" ON "provider_links"("identityId");

-- CreateIndex
CREATE UNIQUE INDEX "provider_links_providerId_identityId_key" ON "provider_links"("providerId", "identityId");

-- CreateIndex
CREATE INDEX "group_mappings_groupId_idx" ON "group_mappings"("groupId");

-- CreateIndex
CREATE UNIQUE INDEX "sign_in_flows_requestKey_key" ON "sign_in_flows"("requestKey");

-- CreateIndex
CREATE UNIQUE INDEX "sign_in_flows_codeHash_key" ON "sign_in_flows"("codeHash");

-- CreateIndex
CREATE INDEX "sign_in_flows_expiresAt_idx" ON "sign_in_flows"("expiresAt");

-- CreateIndex
CREATE INDEX "sign_in_flows_address_idx" ON "sign_in_flows"("address");

-- CreateIndex
CREATE INDEX "used_assertions_expiresAt_idx" ON "used_assertions"("expiresAt");

-- CreateIndex
CREATE UNIQUE INDEX "scim_tokens_hash_key" ON "scim_tokens"("hash");

-- CreateIndex
CREATE UNIQUE INDEX "directory_users_nameKey_key" ON "directory_users"("nameKey");

-- CreateIndex
CREATE INDEX "directory_users_externalId_idx" ON "directory_users"("externalId");

-- CreateIndex
CREATE UNIQUE INDEX "directory_groups_nameKey_key" ON "directory_groups"("nameKey");

-- CreateIndex
CREATE INDEX "directory_groups_externalId_idx" ON "directory_groups"("externalId");

-- CreateIndex
CREATE INDEX "directory_members_identityId_idx" ON "directory_members"("identityId");

-- CreateIndex
CREATE INDEX "memberships_groupId_idx" ON "memberships"("groupId");

-- CreateIndex
CREATE INDEX "web_sessions_providerId_idx" ON "web_sessions"("providerId");

-- AddForeignKey
ALTER TABLE "web_sessions" ADD CONSTRAINT "web_sessions_providerId_fkey" FOREIGN KEY ("providerId") REFERENCES "sign_in_providers"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "provider_links" ADD CONSTRAINT "provider_links_providerId_fkey" FOREIGN KEY ("providerId") REFERENCES "sign_in_providers"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "provider_links" ADD CONSTRAINT "provider_links_identityId_fkey" FOREIGN KEY ("identityId") REFERENCES "identities"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "group_mappings" ADD CONSTRAINT "group_mappings_groupId_fkey" FOREIGN KEY ("groupId") REFERENCES "groups"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "sign_in_flows" ADD CONSTRAINT "sign_in_flows_providerId_fkey" FOREIGN KEY ("providerId") REFERENCES "sign_in_providers"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "used_assertions" ADD CONSTRAINT "used_assertions_providerId_fkey" FOREIGN KEY ("providerId") REFERENCES "sign_in_providers"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "directory_users" ADD CONSTRAINT "directory_users_identityId_fkey" FOREIGN KEY ("identityId") REFERENCES "identities"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "directory_members" ADD CONSTRAINT "directory_members_groupId_fkey" FOREIGN KEY ("groupId") REFERENCES "directory_groups"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "directory_members" ADD CONSTRAINT "directory_members_identityId_fkey" FOREIGN KEY ("identityId") REFERENCES "directory_users"("identityId") ON DELETE CASCADE ON UPDATE CASCADE;

-- Written by hand: closed sets of values, and what no code path may write.
ALTER TABLE "sign_in_providers" ADD CONSTRAINT "sign_in_providers_kind" CHECK ("kind" IN ('oidc', 'saml')),
  ADD CONSTRAINT "sign_in_providers_email_trust" CHECK ("emailTrust" IN ('never', 'verified', 'always'));
ALTER TABLE "memberships" ADD CONSTRAINT "memberships_source" CHECK ("source" IN ('hand', 'scim') OR "source" LIKE 'prv\_%');
ALTER TABLE "group_mappings" ADD CONSTRAINT "group_mappings_source" CHECK ("source" = 'scim' OR "source" LIKE 'prv\_%');
ALTER TABLE "sign_in_flows" ADD CONSTRAINT "sign_in_flows_hashes" CHECK (length("browserHash") = 32 AND ("codeHash" IS NULL OR length("codeHash") = 32)),
  -- A code exists only for a person who was proven.
  ADD CONSTRAINT "sign_in_flows_code" CHECK ("codeHash" IS NULL OR ("identityId" IS NOT NULL AND "answeredAt" IS NOT NULL));
ALTER TABLE "scim_tokens" ADD CONSTRAINT "scim_tokens_hash" CHECK (length("hash") = 32);
