-- CreateTable
CREATE TABLE "former_addresses" (
    "email" TEXT NOT NULL,
    "identityId" TEXT NOT NULL,

    CONSTRAINT "former_addresses_pkey" PRIMARY KEY ("email","identityId")
);

-- CreateIndex
CREATE INDEX "former_addresses_identityId_idx" ON "former_addresses"("identityId");

-- AddForeignKey
ALTER TABLE "former_addresses" ADD CONSTRAINT "former_addresses_identityId_fkey" FOREIGN KEY ("identityId") REFERENCES "identities"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- Of whom a directory removed, the address that their name still says.
INSERT INTO "former_addresses"
SELECT left(i."email", -length(' (removed ' || i."id" || ')')), i."id" FROM "identities" i
WHERE i."email" LIKE '% (removed ' || i."id" || ')';

-- Of whom it renamed, what the audit says that they had.
INSERT INTO "former_addresses"
SELECT DISTINCT lower(had."email"), i."id" FROM "audit" a JOIN "identities" i ON i."id" = a."subject"
CROSS JOIN LATERAL (
  SELECT a."before"->>'userName' AS "email"
  UNION ALL
  SELECT e->>'value' FROM jsonb_array_elements(CASE jsonb_typeof(a."before"->'emails') WHEN 'array' THEN a."before"->'emails' ELSE '[]' END) e
) had
WHERE a."via" = 'scim' AND a."action" = 'user.update' AND had."email" LIKE '%_@_%' AND lower(had."email") <> i."email"
ON CONFLICT DO NOTHING;

-- By the index of each one's children, not by a search in every tree: that what lives has a living parent, row by row,
-- is that nothing lives under what has ended. So that ending thousands at once does not take minutes.
CREATE OR REPLACE FUNCTION "refuse_orphans"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW."state" = 'ended' AND EXISTS (SELECT FROM "grants" c WHERE c."parentId" = NEW."id" AND c."state" <> 'ended')
    OR NEW."state" <> 'ended' AND EXISTS (SELECT FROM "grants" p WHERE p."id" = NEW."parentId" AND p."state" = 'ended')
  THEN
    RAISE EXCEPTION 'a grant that has ended leaves nothing alive under it' USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NULL;
END
$$;
CREATE CONSTRAINT TRIGGER "grants_start_under_living" AFTER INSERT ON "grants" DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW WHEN (NEW."parentId" IS NOT NULL AND NEW."state" <> 'ended') EXECUTE FUNCTION "refuse_orphans"();
