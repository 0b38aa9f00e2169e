-- AlterTable
ALTER TABLE "audit" ADD COLUMN     "actId" TEXT;

-- AlterTable
ALTER TABLE "groups" ADD COLUMN     "scopes" TEXT[] DEFAULT ARRAY[]::TEXT[],
ADD COLUMN     "withheld" TEXT[] DEFAULT ARRAY[]::TEXT[];

-- AlterTable
ALTER TABLE "resources" ADD COLUMN     "rotateMs" BIGINT;

-- AlterTable
ALTER TABLE "credentials" ADD COLUMN     "given" BYTEA,
ADD COLUMN     "pending" BYTEA,
ADD COLUMN     "rotatedAt" TIMESTAMPTZ(3),
ADD COLUMN     "rotationFailedAt" TIMESTAMPTZ(3),
ADD COLUMN     "rotationFailure" TEXT;

-- AlterTable
ALTER TABLE "sessions" ADD COLUMN     "erasedAt" TIMESTAMPTZ(3),
ADD COLUMN     "keepReason" TEXT;

-- CreateIndex
CREATE INDEX "audit_actId_idx" ON "audit"("actId");
