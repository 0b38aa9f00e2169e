-- CreateTable
CREATE TABLE "grant_budgets" (
    "grantId" TEXT NOT NULL,
    "dimension" TEXT NOT NULL,
    "limit" BIGINT,
    "spent" BIGINT NOT NULL DEFAULT 0,
    "reserved" BIGINT NOT NULL DEFAULT 0,

    CONSTRAINT "grant_budgets_pkey" PRIMARY KEY ("grantId","dimension")
);

-- CreateTable
CREATE TABLE "budget_slices" (
    "grantId" TEXT NOT NULL,
    "dimension" TEXT NOT NULL,
    "holder" TEXT NOT NULL,
    "gateway" TEXT NOT NULL,
    "granted" BIGINT NOT NULL,
    "spent" BIGINT NOT NULL DEFAULT 0,

    CONSTRAINT "budget_slices_pkey" PRIMARY KEY ("grantId","dimension","holder")
);

-- CreateIndex
CREATE INDEX "budget_slices_gateway_idx" ON "budget_slices"("gateway");

-- AddForeignKey
ALTER TABLE "grant_budgets" ADD CONSTRAINT "grant_budgets_grantId_fkey" FOREIGN KEY ("grantId") REFERENCES "grants"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "budget_slices" ADD CONSTRAINT "budget_slices_grantId_dimension_fkey" FOREIGN KEY ("grantId", "dimension") REFERENCES "grant_budgets"("grantId", "dimension") ON DELETE RESTRICT ON UPDATE CASCADE;

-- What Prisma cannot say.
ALTER TABLE "grant_budgets" ADD CONSTRAINT "grant_budgets_dimension" CHECK ("dimension" IN ('rows', 'bytes', 'statements', 'duration')),
  ADD CONSTRAINT "grant_budgets_counts" CHECK ("spent" >= 0 AND "reserved" >= 0);
ALTER TABLE "budget_slices" ADD CONSTRAINT "budget_slices_counts" CHECK ("spent" >= 0 AND "granted" >= "spent");
