-- AlterTable
ALTER TABLE "grants" ADD COLUMN     "confirmedAt" TIMESTAMPTZ(3),
ADD COLUMN     "stepUp" TEXT NOT NULL DEFAULT 'none',
ADD CONSTRAINT "grants_stepUp" CHECK ("stepUp" IN ('none', 'activation', 'approval', 'both'));
-- For the rows that are there: who makes a grant from now on says what it needs.
ALTER TABLE "grants" ALTER COLUMN "stepUp" DROP DEFAULT;

-- AlterTable
ALTER TABLE "holds" ADD COLUMN     "stepUp" BOOLEAN NOT NULL DEFAULT false;
ALTER TABLE "holds" ALTER COLUMN "stepUp" DROP DEFAULT;

-- CreateTable
CREATE TABLE "approval_signatures" (
    "approvalId" TEXT NOT NULL,
    "passkeyId" TEXT NOT NULL,
    "passkeyName" TEXT NOT NULL,
    "signed" TEXT NOT NULL,
    "publicKey" JSONB NOT NULL,
    "authenticatorData" BYTEA NOT NULL,
    "clientData" BYTEA NOT NULL,
    "signature" BYTEA NOT NULL,

    CONSTRAINT "approval_signatures_pkey" PRIMARY KEY ("approvalId")
);

-- CreateTable
CREATE TABLE "passkeys" (
    "id" TEXT NOT NULL,
    "identityId" TEXT NOT NULL,
    "credentialId" BYTEA NOT NULL,
    "publicKey" BYTEA NOT NULL,
    "counter" BIGINT NOT NULL,
    "name" TEXT NOT NULL,
    "rpId" TEXT NOT NULL,
    "transports" TEXT[],
    "synced" BOOLEAN NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL,
    "lastUsedAt" TIMESTAMPTZ(3),

    CONSTRAINT "passkeys_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "passkey_challenges" (
    "challenge" BYTEA NOT NULL,
    "purpose" TEXT NOT NULL,
    "identityId" TEXT,
    "subject" TEXT NOT NULL,
    "signed" TEXT,
    "expiresAt" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "passkey_challenges_pkey" PRIMARY KEY ("challenge")
);

-- CreateIndex
CREATE UNIQUE INDEX "passkeys_credentialId_key" ON "passkeys"("credentialId");

-- CreateIndex
CREATE INDEX "passkeys_identityId_idx" ON "passkeys"("identityId");

-- CreateIndex
CREATE INDEX "passkey_challenges_expiresAt_idx" ON "passkey_challenges"("expiresAt");

-- CreateIndex
CREATE INDEX "passkey_challenges_purpose_subject_idx" ON "passkey_challenges"("purpose", "subject");

-- CreateIndex
CREATE INDEX "passkey_challenges_identityId_idx" ON "passkey_challenges"("identityId");

-- AddForeignKey
ALTER TABLE "approval_signatures" ADD CONSTRAINT "approval_signatures_approvalId_fkey" FOREIGN KEY ("approvalId") REFERENCES "approvals"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "passkeys" ADD CONSTRAINT "passkeys_identityId_fkey" FOREIGN KEY ("identityId") REFERENCES "identities"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "passkey_challenges" ADD CONSTRAINT "passkey_challenges_identityId_fkey" FOREIGN KEY ("identityId") REFERENCES "identities"("id") ON DELETE CASCADE ON UPDATE CASCADE;
