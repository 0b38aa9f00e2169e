-- AlterTable
ALTER TABLE "holds" ADD COLUMN     "dryRun" JSONB,
ADD COLUMN     "estimate" JSONB;
