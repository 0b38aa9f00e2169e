-- AlterTable
ALTER TABLE "identities" ADD COLUMN     "tasks" TEXT[] DEFAULT ARRAY[]::TEXT[];

-- CreateTable
CREATE TABLE "issuers" (
    "id" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "kind" TEXT NOT NULL,
    "url" TEXT NOT NULL,
    "audience" TEXT NOT NULL,
    "keySource" TEXT NOT NULL,
    "jwksUrl" TEXT,
    "jwks" JSONB,
    "skewMs" INTEGER NOT NULL,
    "maxLifetimeMs" INTEGER NOT NULL,
    "singleUse" BOOLEAN NOT NULL,
    "privateNetwork" BOOLEAN NOT NULL,
    "disabledAt" TIMESTAMPTZ(3),
    "createdAt" TIMESTAMPTZ(3) NOT NULL,
    "updatedAt" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "issuers_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "claim_bindings" (
    "identityId" TEXT NOT NULL,
    "issuerId" TEXT NOT NULL,
    "audience" TEXT,
    "claims" JSONB NOT NULL,
    "lastUsedAt" TIMESTAMPTZ(3),

    CONSTRAINT "claim_bindings_pkey" PRIMARY KEY ("identityId")
);

-- CreateTable
CREATE TABLE "used_tokens" (
    "issuerId" TEXT NOT NULL,
    "hash" BYTEA NOT NULL,
    "expiresAt" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "used_tokens_pkey" PRIMARY KEY ("issuerId","hash")
);

-- CreateIndex
CREATE UNIQUE INDEX "issuers_name_key" ON "issuers"("name");

-- CreateIndex
CREATE UNIQUE INDEX "issuers_url_key" ON "issuers"("url");

-- CreateIndex
CREATE INDEX "claim_bindings_issuerId_idx" ON "claim_bindings"("issuerId");

-- CreateIndex
CREATE INDEX "used_tokens_expiresAt_idx" ON "used_tokens"("expiresAt");

-- AddForeignKey
ALTER TABLE "claim_bindings" ADD CONSTRAINT "claim_bindings_identityId_fkey" FOREIGN KEY ("identityId") REFERENCES "identities"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "claim_bindings" ADD CONSTRAINT "claim_bindings_issuerId_fkey" FOREIGN KEY ("issuerId") REFERENCES "issuers"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "used_tokens" ADD CONSTRAINT "used_tokens_issuerId_fkey" FOREIGN KEY ("issuerId") REFERENCES "issuers"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- Empty never means any: a binding without a pattern would be everybody's. Only machines and agents have lists of tasks.
ALTER TABLE "claim_bindings" ADD CONSTRAINT "claim_bindings_claims" CHECK (jsonb_typeof("claims") = 'array' AND jsonb_array_length("claims") > 0);
ALTER TABLE "issuers" ADD CONSTRAINT "issuers_kind" CHECK ("kind" IN ('github', 'gitlab', 'kubernetes', 'spiffe', 'oidc')),
  ADD CONSTRAINT "issuers_keys" CHECK (("keySource" = 'discovery' AND "jwksUrl" IS NULL AND "jwks" IS NULL) OR ("keySource" = 'url' AND "jwksUrl" IS NOT NULL AND "jwks" IS NULL) OR ("keySource" = 'keys' AND "jwksUrl" IS NULL AND "jwks" IS NOT NULL));
ALTER TABLE "identities" ALTER COLUMN "tasks" SET NOT NULL,
  ADD CONSTRAINT "identities_tasks" CHECK ("kind" <> 'person' OR cardinality("tasks") = 0);
