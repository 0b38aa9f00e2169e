-- AlterTable
ALTER TABLE "operations" ADD COLUMN     "catalogVersion" TEXT NOT NULL DEFAULT '',
ADD COLUMN     "reachId" TEXT;

-- CreateTable
CREATE TABLE "reaches" (
    "id" TEXT NOT NULL,

    CONSTRAINT "reaches_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "reached_columns" (
    "reachId" TEXT NOT NULL,
    "verb" TEXT NOT NULL,
    "relation" TEXT NOT NULL,
    "column" TEXT NOT NULL,
    "classes" TEXT[],

    CONSTRAINT "reached_columns_pkey" PRIMARY KEY ("reachId","verb","relation","column")
);

-- CreateIndex
CREATE INDEX "reached_columns_relation_column_idx" ON "reached_columns"("relation", "column");

-- CreateIndex
CREATE INDEX "reached_columns_classes_idx" ON "reached_columns" USING GIN ("classes");

-- CreateIndex
CREATE INDEX "operations_at_decisionId_idx" ON "operations"("at" DESC, "decisionId" DESC);

-- CreateIndex
CREATE INDEX "operations_reachId_at_idx" ON "operations"("reachId", "at" DESC);

-- AddForeignKey
ALTER TABLE "operations" ADD CONSTRAINT "operations_reachId_fkey" FOREIGN KEY ("reachId") REFERENCES "reaches"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "reached_columns" ADD CONSTRAINT "reached_columns_reachId_fkey" FOREIGN KEY ("reachId") REFERENCES "reaches"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- What was recorded before: reached as it was written down then, without classes.
INSERT INTO "reaches" ("id") SELECT DISTINCT md5("relations"::text) FROM "operations";

INSERT INTO "reached_columns" ("reachId", "verb", "relation", "column", "classes")
SELECT DISTINCT md5(o."relations"::text), r->>'verb', (r->>'schema') || '.' || (r->>'name'), coalesce(c.name, ''), ARRAY[]::text[]
FROM (SELECT DISTINCT "relations" FROM "operations") o
CROSS JOIN LATERAL jsonb_array_elements(o."relations") r
LEFT JOIN LATERAL jsonb_array_elements_text(r->'columns') c(name) ON true;

UPDATE "operations" SET "reachId" = md5("relations"::text);
