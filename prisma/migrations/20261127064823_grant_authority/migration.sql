-- AlterTable
ALTER TABLE "grants" ADD COLUMN     "authorityIds" TEXT[];

UPDATE "grants" g SET "authorityIds" = ARRAY(
  SELECT i."id" FROM "identities" i WHERE i."id" = ANY (g."ownerIds")
  UNION
  SELECT i."actsForId" FROM "identities" i WHERE i."id" = ANY (g."ownerIds") AND i."actsForId" IS NOT NULL);

ALTER TABLE "grants" ADD CONSTRAINT "grants_authority" CHECK ("ownerIds" <@ "authorityIds");

-- CreateIndex
CREATE INDEX "grants_authorityIds_idx" ON "grants" USING GIN ("authorityIds");

-- What a grant was asked for as, and on what terms, never changes, whatever a bug asks for.
DROP TRIGGER "grants_stay_in_tree" ON "grants";
CREATE TRIGGER "grants_stay_in_tree" BEFORE UPDATE ON "grants" FOR EACH ROW
  WHEN ((OLD."parentId", OLD."rootId", OLD."depth", OLD."ancestorIds", OLD."ownerIds", OLD."authorityIds", OLD."identityId", OLD."step",
      OLD."taskId", OLD."taskRevision", OLD."workflowId", OLD."workflowRevision", OLD."pinned", OLD."document", OLD."narrowing", OLD."limits",
      OLD."reason", OLD."ticket", OLD."approvalsNeeded", OLD."approverGroups", OLD."stepUp", OLD."requestedAt", OLD."requestExpiresAt")
    IS DISTINCT FROM
      (NEW."parentId", NEW."rootId", NEW."depth", NEW."ancestorIds", NEW."ownerIds", NEW."authorityIds", NEW."identityId", NEW."step",
      NEW."taskId", NEW."taskRevision", NEW."workflowId", NEW."workflowRevision", NEW."pinned", NEW."document", NEW."narrowing", NEW."limits",
      NEW."reason", NEW."ticket", NEW."approvalsNeeded", NEW."approverGroups", NEW."stepUp", NEW."requestedAt", NEW."requestExpiresAt"))
  EXECUTE FUNCTION "refuse_tree_change"();
