-- AlterTable
ALTER TABLE "resources" ADD COLUMN     "principals" TEXT NOT NULL DEFAULT 'when-possible',
ADD COLUMN     "wallTwo" JSONB;

-- CreateTable
CREATE TABLE "principals" (
    "grantId" TEXT NOT NULL,
    "resourceId" TEXT NOT NULL,
    "roleName" TEXT NOT NULL,
    "state" TEXT NOT NULL,
    "taskRole" TEXT,
    "reason" TEXT,
    "basis" TEXT,
    "sealed" BYTEA,
    "createdAt" TIMESTAMPTZ(3) NOT NULL,
    "droppedAt" TIMESTAMPTZ(3),

    CONSTRAINT "principals_pkey" PRIMARY KEY ("grantId")
);

-- CreateIndex
CREATE UNIQUE INDEX "principals_roleName_key" ON "principals"("roleName");

-- CreateIndex
CREATE INDEX "principals_state_resourceId_idx" ON "principals"("state", "resourceId");

-- AddForeignKey
ALTER TABLE "principals" ADD CONSTRAINT "principals_grantId_fkey" FOREIGN KEY ("grantId") REFERENCES "grants"("id") ON DELETE RESTRICT ON UPDATE CASCADE;
