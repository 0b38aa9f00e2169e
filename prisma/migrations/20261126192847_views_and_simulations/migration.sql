-- CreateTable
CREATE TABLE "saved_views" (
    "id" TEXT NOT NULL,
    "userId" TEXT NOT NULL,
    "page" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "search" TEXT NOT NULL,

    CONSTRAINT "saved_views_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "analyzed_statements" (
    "resourceId" TEXT NOT NULL,
    "fingerprint" TEXT NOT NULL,
    "catalogVersion" TEXT NOT NULL,
    "analyzer" TEXT NOT NULL,
    "operation" JSONB NOT NULL,

    CONSTRAINT "analyzed_statements_pkey" PRIMARY KEY ("resourceId","fingerprint")
);

-- CreateTable
CREATE TABLE "simulations" (
    "id" TEXT NOT NULL,
    "createdById" TEXT NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL,
    "source" TEXT NOT NULL,
    "state" TEXT NOT NULL,
    "result" JSONB,

    CONSTRAINT "simulations_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE UNIQUE INDEX "saved_views_userId_page_name_key" ON "saved_views"("userId", "page", "name");

-- CreateIndex
CREATE INDEX "simulations_createdAt_idx" ON "simulations"("createdAt");

-- AddForeignKey
ALTER TABLE "saved_views" ADD CONSTRAINT "saved_views_userId_fkey" FOREIGN KEY ("userId") REFERENCES "users"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "analyzed_statements" ADD CONSTRAINT "analyzed_statements_resourceId_fkey" FOREIGN KEY ("resourceId") REFERENCES "resources"("id") ON DELETE CASCADE ON UPDATE CASCADE;
