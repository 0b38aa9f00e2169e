-- AlterTable
ALTER TABLE "sessions" ADD COLUMN     "keepMs" BIGINT;

-- AlterTable
ALTER TABLE "approval_signatures" ALTER COLUMN "signed" DROP NOT NULL;

-- What was erased until now left these behind.
UPDATE "holds" SET "statement" = '-- deleted with its recording', "parameters" = '[]', "dryRun" = "dryRun" - 'sample'
  WHERE "sessionId" IN (SELECT "id" FROM "sessions" WHERE "erasedAt" IS NOT NULL);
UPDATE "approval_signatures" SET "signed" = NULL
  WHERE "approvalId" IN (SELECT a."id" FROM "approvals" a JOIN "holds" h ON h."id" = a."holdId" JOIN "sessions" s ON s."id" = h."sessionId"
    WHERE s."erasedAt" IS NOT NULL);
