-- AlterTable
ALTER TABLE "grants" ADD COLUMN     "ancestorIds" TEXT[] NOT NULL DEFAULT ARRAY[]::TEXT[],
ADD COLUMN     "depth" INTEGER NOT NULL DEFAULT 0,
ADD COLUMN     "document" TEXT,
ADD COLUMN     "exitCode" INTEGER,
ADD COLUMN     "limits" JSONB,
ADD COLUMN     "narrowing" JSONB,
ADD COLUMN     "ownerIds" TEXT[],
ADD COLUMN     "parentId" TEXT,
ADD COLUMN     "pinned" JSONB,
ADD COLUMN     "rootId" TEXT,
ADD COLUMN     "step" TEXT,
ADD COLUMN     "workflowId" TEXT,
ADD COLUMN     "workflowRevision" INTEGER,
ALTER COLUMN "taskId" DROP NOT NULL,
ALTER COLUMN "taskRevision" DROP NOT NULL;

-- Every grant so far is a tree of its own.
UPDATE "grants" SET "rootId" = "id", "ownerIds" = ARRAY["identityId"];
ALTER TABLE "grants" ALTER COLUMN "rootId" SET NOT NULL, ALTER COLUMN "ownerIds" SET NOT NULL;

-- CreateTable
CREATE TABLE "workflows" (
    "id" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "salt" BYTEA NOT NULL,
    "publishedRevision" INTEGER,
    "latestRevision" INTEGER NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL,
    "updatedAt" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "workflows_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "workflow_revisions" (
    "workflowId" TEXT NOT NULL,
    "revision" INTEGER NOT NULL,
    "source" TEXT NOT NULL,
    "createdById" TEXT NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL,
    "publishedAt" TIMESTAMPTZ(3),

    CONSTRAINT "workflow_revisions_pkey" PRIMARY KEY ("workflowId","revision")
);

-- CreateIndex
CREATE UNIQUE INDEX "workflows_name_key" ON "workflows"("name");

-- CreateIndex
CREATE INDEX "grants_workflowId_state_idx" ON "grants"("workflowId", "state");

-- CreateIndex
CREATE INDEX "grants_parentId_idx" ON "grants"("parentId");

-- CreateIndex
CREATE INDEX "grants_rootId_idx" ON "grants"("rootId");

-- CreateIndex
CREATE INDEX "grants_ancestorIds_idx" ON "grants" USING GIN ("ancestorIds");

-- CreateIndex
CREATE INDEX "grants_ownerIds_idx" ON "grants" USING GIN ("ownerIds");

-- AddForeignKey
ALTER TABLE "grants" ADD CONSTRAINT "grants_workflowId_fkey" FOREIGN KEY ("workflowId") REFERENCES "workflows"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "grants" ADD CONSTRAINT "grants_parentId_fkey" FOREIGN KEY ("parentId") REFERENCES "grants"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "workflow_revisions" ADD CONSTRAINT "workflow_revisions_workflowId_fkey" FOREIGN KEY ("workflowId") REFERENCES "workflows"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

CREATE TRIGGER "workflow_revisions_immutable" BEFORE UPDATE ON "workflow_revisions" FOR EACH ROW EXECUTE FUNCTION "refuse_revision_change"();
CREATE TRIGGER "workflow_revisions_no_delete" BEFORE DELETE ON "workflow_revisions" FOR EACH ROW EXECUTE FUNCTION "refuse_change"();
CREATE TRIGGER "workflow_revisions_keep" BEFORE TRUNCATE ON "workflow_revisions" FOR EACH STATEMENT EXECUTE FUNCTION "refuse_change"();

ALTER TABLE "grants" DROP CONSTRAINT "grants_end_reason",
  ADD CONSTRAINT "grants_end_reason" CHECK ("endReason" IN ('completed', 'failed', 'expired', 'revoked', 'refused', 'parent-ended')),
  ADD CONSTRAINT "grants_exit_code" CHECK ("exitCode" IS NULL OR ("exitCode" BETWEEN 0 AND 255 AND "endReason" IN ('completed', 'failed'))),
  -- Of exactly one thing, at one of its revisions; what opens something can be narrowed, what has steps has them pinned.
  ADD CONSTRAINT "grants_of" CHECK (num_nonnulls("taskId", "workflowId") = 1
    AND ("taskId" IS NULL) = ("taskRevision" IS NULL)
    AND ("workflowId" IS NULL) = ("workflowRevision" IS NULL)
    AND ("workflowId" IS NULL) = ("pinned" IS NULL)
    AND ("taskId" IS NOT NULL OR "document" IS NULL)),
  ADD CONSTRAINT "grants_tree" CHECK ("depth" BETWEEN 0 AND 8
    AND cardinality("ancestorIds") = "depth"
    AND cardinality("ownerIds") = "depth" + 1 AND "ownerIds"["depth" + 1] = "identityId"
    AND ("depth" = 0) = ("parentId" IS NULL)
    AND "rootId" = coalesce("ancestorIds"[1], "id")
    AND ("parentId" IS NULL OR "parentId" = "ancestorIds"["depth"])
    AND NOT ("id" = ANY ("ancestorIds"))
    AND ("parentId" IS NOT NULL OR "step" IS NULL)
    -- Only a root can be of a workflow.
    AND ("parentId" IS NULL OR "workflowId" IS NULL));

-- Where a grant stands in its tree never changes, whatever a bug asks for.
CREATE FUNCTION "refuse_tree_change"() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
  RAISE EXCEPTION 'a grant stays where it stands in its tree' USING ERRCODE = 'integrity_constraint_violation';
END
$$;
CREATE TRIGGER "grants_stay_in_tree" BEFORE UPDATE ON "grants" FOR EACH ROW
  WHEN (OLD."parentId" IS DISTINCT FROM NEW."parentId" OR OLD."rootId" <> NEW."rootId" OR OLD."ancestorIds" <> NEW."ancestorIds"
    OR OLD."document" IS DISTINCT FROM NEW."document" OR OLD."taskId" IS DISTINCT FROM NEW."taskId"
    OR OLD."taskRevision" IS DISTINCT FROM NEW."taskRevision" OR OLD."workflowRevision" IS DISTINCT FROM NEW."workflowRevision"
    OR OLD."pinned" IS DISTINCT FROM NEW."pinned")
  EXECUTE FUNCTION "refuse_tree_change"();

-- What is left alive under a grant that ends would outlive it: the last word, after the verbs have said theirs.
CREATE FUNCTION "refuse_orphans"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT FROM "grants" c WHERE c."ancestorIds" @> ARRAY[NEW."id"] AND c."state" <> 'ended') THEN
    RAISE EXCEPTION 'a grant that has ended leaves nothing alive under it' USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NULL;
END
$$;
CREATE CONSTRAINT TRIGGER "grants_end_with_parent" AFTER UPDATE OF "state" ON "grants" DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW WHEN (NEW."state" = 'ended') EXECUTE FUNCTION "refuse_orphans"();
