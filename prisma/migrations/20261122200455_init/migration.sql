-- CreateSchema
CREATE SCHEMA IF NOT EXISTS "public";

-- CreateTable
CREATE TABLE "audit" (
    "id" TEXT NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL,
    "actorId" TEXT,
    "via" TEXT NOT NULL,
    "action" TEXT NOT NULL,
    "subjectKind" TEXT NOT NULL,
    "subject" TEXT NOT NULL,
    "before" JSONB,
    "after" JSONB,

    CONSTRAINT "audit_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "settings" (
    "name" TEXT NOT NULL,
    "value" JSONB NOT NULL,

    CONSTRAINT "settings_pkey" PRIMARY KEY ("name")
);

-- CreateTable
CREATE TABLE "grants" (
    "id" TEXT NOT NULL,
    "taskId" TEXT NOT NULL,
    "taskRevision" INTEGER NOT NULL,
    "userId" TEXT NOT NULL,
    "reason" TEXT,
    "ticket" TEXT,
    "state" TEXT NOT NULL,
    "endReason" TEXT,
    "endedById" TEXT,
    "ttlMs" INTEGER NOT NULL,
    "approvalsNeeded" INTEGER NOT NULL,
    "approverGroups" TEXT[],
    "requestedAt" TIMESTAMPTZ(3) NOT NULL,
    "requestExpiresAt" TIMESTAMPTZ(3) NOT NULL,
    "activatedAt" TIMESTAMPTZ(3),
    "expiresAt" TIMESTAMPTZ(3),
    "endedAt" TIMESTAMPTZ(3),
    "verifier" TEXT,
    "tokenHash" BYTEA,

    CONSTRAINT "grants_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "approvals" (
    "id" TEXT NOT NULL,
    "grantId" TEXT,
    "holdId" TEXT,
    "userId" TEXT NOT NULL,
    "outcome" TEXT NOT NULL,
    "comment" TEXT,
    "ttlMs" INTEGER,
    "at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "approvals_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "holds" (
    "id" TEXT NOT NULL,
    "grantId" TEXT NOT NULL,
    "sessionId" TEXT NOT NULL,
    "decisionId" TEXT NOT NULL,
    "statement" TEXT NOT NULL,
    "parameters" JSONB NOT NULL,
    "binding" TEXT NOT NULL,
    "statementClass" TEXT NOT NULL,
    "relations" JSONB NOT NULL,
    "reasons" JSONB NOT NULL,
    "affectsMax" INTEGER,
    "state" TEXT NOT NULL,
    "approverGroups" TEXT[],
    "approvalsNeeded" INTEGER NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL,
    "expiresAt" TIMESTAMPTZ(3) NOT NULL,
    "endedAt" TIMESTAMPTZ(3),
    "redeemedAt" TIMESTAMPTZ(3),

    CONSTRAINT "holds_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "console_tickets" (
    "hash" BYTEA NOT NULL,
    "grantId" TEXT NOT NULL,
    "expiresAt" TIMESTAMPTZ(3) NOT NULL,
    "redeemedAt" TIMESTAMPTZ(3),

    CONSTRAINT "console_tickets_pkey" PRIMARY KEY ("hash")
);

-- CreateTable
CREATE TABLE "users" (
    "id" TEXT NOT NULL,
    "email" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "passwordHash" TEXT NOT NULL,
    "disabledAt" TIMESTAMPTZ(3),
    "createdAt" TIMESTAMPTZ(3) NOT NULL,
    "lastSignInAt" TIMESTAMPTZ(3),

    CONSTRAINT "users_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "groups" (
    "id" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "roles" TEXT[],
    "createdAt" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "groups_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "memberships" (
    "userId" TEXT NOT NULL,
    "groupId" TEXT NOT NULL,

    CONSTRAINT "memberships_pkey" PRIMARY KEY ("userId","groupId")
);

-- CreateTable
CREATE TABLE "web_sessions" (
    "id" TEXT NOT NULL,
    "userId" TEXT NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL,
    "lastSeenAt" TIMESTAMPTZ(3) NOT NULL,
    "expiresAt" TIMESTAMPTZ(3) NOT NULL,
    "endedAt" TIMESTAMPTZ(3),
    "userAgent" TEXT NOT NULL,
    "address" TEXT NOT NULL,

    CONSTRAINT "web_sessions_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "api_tokens" (
    "id" TEXT NOT NULL,
    "userId" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "hash" BYTEA NOT NULL,
    "scopes" TEXT[],
    "createdAt" TIMESTAMPTZ(3) NOT NULL,
    "expiresAt" TIMESTAMPTZ(3) NOT NULL,
    "lastUsedAt" TIMESTAMPTZ(3),
    "revokedAt" TIMESTAMPTZ(3),

    CONSTRAINT "api_tokens_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "attempt_windows" (
    "key" TEXT NOT NULL,
    "count" INTEGER NOT NULL,
    "windowStart" TIMESTAMPTZ(3) NOT NULL,
    "lastAt" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "attempt_windows_pkey" PRIMARY KEY ("key")
);

-- CreateTable
CREATE TABLE "resources" (
    "id" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "type" TEXT NOT NULL,
    "host" TEXT NOT NULL,
    "port" INTEGER NOT NULL,
    "database" TEXT NOT NULL,
    "tlsMode" TEXT NOT NULL,
    "tlsCa" TEXT,
    "labels" JSONB NOT NULL,
    "maskKey" BYTEA NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL,
    "updatedAt" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "resources_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "credentials" (
    "id" TEXT NOT NULL,
    "resourceId" TEXT NOT NULL,
    "username" TEXT NOT NULL,
    "sealed" BYTEA NOT NULL,
    "setAt" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "credentials_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "catalog_versions" (
    "resourceId" TEXT NOT NULL,
    "version" TEXT NOT NULL,
    "readAt" TIMESTAMPTZ(3) NOT NULL,
    "current" BOOLEAN NOT NULL,
    "content" JSONB NOT NULL,

    CONSTRAINT "catalog_versions_pkey" PRIMARY KEY ("resourceId","version")
);

-- CreateTable
CREATE TABLE "sessions" (
    "id" TEXT NOT NULL,
    "grantId" TEXT NOT NULL,
    "protocol" TEXT NOT NULL,
    "clientAddress" TEXT NOT NULL,
    "application" TEXT NOT NULL,
    "gateway" TEXT NOT NULL,
    "startedAt" TIMESTAMPTZ(3) NOT NULL,
    "endedAt" TIMESTAMPTZ(3),
    "endReason" TEXT,
    "endDetail" TEXT,
    "interrupted" BOOLEAN NOT NULL DEFAULT false,
    "wrappedKey" BYTEA NOT NULL,
    "indexedUpTo" INTEGER NOT NULL DEFAULT 0,
    "operationCount" INTEGER NOT NULL DEFAULT 0,
    "deniedCount" INTEGER NOT NULL DEFAULT 0,
    "heldCount" INTEGER NOT NULL DEFAULT 0,
    "rowCount" BIGINT NOT NULL DEFAULT 0,
    "maskedCells" BIGINT NOT NULL DEFAULT 0,
    "bytesIn" BIGINT NOT NULL DEFAULT 0,
    "bytesOut" BIGINT NOT NULL DEFAULT 0,
    "headCount" INTEGER,
    "headHash" TEXT,
    "headSignature" TEXT,
    "headKeyId" TEXT,

    CONSTRAINT "sessions_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "operations" (
    "sessionId" TEXT NOT NULL,
    "seq" INTEGER NOT NULL,
    "decisionId" TEXT NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL,
    "outcome" TEXT NOT NULL,
    "statementClass" TEXT NOT NULL,
    "label" TEXT NOT NULL,
    "fingerprint" TEXT NOT NULL,
    "relations" JSONB NOT NULL,
    "relationNames" TEXT[],
    "reasons" JSONB NOT NULL,
    "result" TEXT,
    "tag" TEXT,
    "rows" BIGINT,
    "bytes" BIGINT NOT NULL DEFAULT 0,
    "maskedCells" INTEGER NOT NULL DEFAULT 0,
    "durationMs" DOUBLE PRECISION,
    "sqlstate" TEXT,

    CONSTRAINT "operations_pkey" PRIMARY KEY ("sessionId","seq")
);

-- CreateTable
CREATE TABLE "recording_views" (
    "id" TEXT NOT NULL,
    "sessionId" TEXT NOT NULL,
    "userId" TEXT NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "recording_views_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "tasks" (
    "id" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "resourceId" TEXT NOT NULL,
    "salt" BYTEA NOT NULL,
    "publishedRevision" INTEGER,
    "latestRevision" INTEGER NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL,
    "updatedAt" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "tasks_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "task_revisions" (
    "taskId" TEXT NOT NULL,
    "revision" INTEGER NOT NULL,
    "source" TEXT NOT NULL,
    "createdById" TEXT NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL,
    "publishedAt" TIMESTAMPTZ(3),

    CONSTRAINT "task_revisions_pkey" PRIMARY KEY ("taskId","revision")
);

-- CreateTable
CREATE TABLE "policies" (
    "id" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "publishedRevision" INTEGER,
    "latestRevision" INTEGER NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL,
    "updatedAt" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "policies_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "policy_revisions" (
    "policyId" TEXT NOT NULL,
    "revision" INTEGER NOT NULL,
    "source" TEXT NOT NULL,
    "createdById" TEXT NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL,
    "publishedAt" TIMESTAMPTZ(3),

    CONSTRAINT "policy_revisions_pkey" PRIMARY KEY ("policyId","revision")
);

-- CreateIndex
CREATE INDEX "audit_at_id_idx" ON "audit"("at" DESC, "id");

-- CreateIndex
CREATE INDEX "audit_subject_idx" ON "audit"("subject");

-- CreateIndex
CREATE UNIQUE INDEX "grants_tokenHash_key" ON "grants"("tokenHash");

-- CreateIndex
CREATE INDEX "grants_taskId_state_idx" ON "grants"("taskId", "state");

-- CreateIndex
CREATE INDEX "grants_userId_state_idx" ON "grants"("userId", "state");

-- CreateIndex
CREATE INDEX "grants_state_expiresAt_idx" ON "grants"("state", "expiresAt");

-- CreateIndex
CREATE UNIQUE INDEX "approvals_grantId_userId_key" ON "approvals"("grantId", "userId");

-- CreateIndex
CREATE UNIQUE INDEX "approvals_holdId_userId_key" ON "approvals"("holdId", "userId");

-- CreateIndex
CREATE UNIQUE INDEX "holds_decisionId_key" ON "holds"("decisionId");

-- CreateIndex
CREATE INDEX "holds_state_createdAt_idx" ON "holds"("state", "createdAt");

-- CreateIndex
CREATE UNIQUE INDEX "users_email_key" ON "users"("email");

-- CreateIndex
CREATE UNIQUE INDEX "groups_name_key" ON "groups"("name");

-- CreateIndex
CREATE INDEX "web_sessions_userId_idx" ON "web_sessions"("userId");

-- CreateIndex
CREATE UNIQUE INDEX "api_tokens_hash_key" ON "api_tokens"("hash");

-- CreateIndex
CREATE INDEX "api_tokens_userId_idx" ON "api_tokens"("userId");

-- CreateIndex
CREATE UNIQUE INDEX "resources_name_key" ON "resources"("name");

-- CreateIndex
CREATE UNIQUE INDEX "credentials_resourceId_key" ON "credentials"("resourceId");

-- CreateIndex
CREATE INDEX "sessions_startedAt_id_idx" ON "sessions"("startedAt" DESC, "id");

-- CreateIndex
CREATE INDEX "sessions_grantId_idx" ON "sessions"("grantId");

-- CreateIndex
CREATE UNIQUE INDEX "operations_decisionId_key" ON "operations"("decisionId");

-- CreateIndex
CREATE INDEX "operations_relationNames_idx" ON "operations" USING GIN ("relationNames");

-- CreateIndex
CREATE INDEX "recording_views_sessionId_idx" ON "recording_views"("sessionId");

-- CreateIndex
CREATE UNIQUE INDEX "tasks_name_key" ON "tasks"("name");

-- CreateIndex
CREATE UNIQUE INDEX "policies_name_key" ON "policies"("name");

-- AddForeignKey
ALTER TABLE "grants" ADD CONSTRAINT "grants_taskId_fkey" FOREIGN KEY ("taskId") REFERENCES "tasks"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "grants" ADD CONSTRAINT "grants_userId_fkey" FOREIGN KEY ("userId") REFERENCES "users"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "approvals" ADD CONSTRAINT "approvals_grantId_fkey" FOREIGN KEY ("grantId") REFERENCES "grants"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "approvals" ADD CONSTRAINT "approvals_holdId_fkey" FOREIGN KEY ("holdId") REFERENCES "holds"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "approvals" ADD CONSTRAINT "approvals_userId_fkey" FOREIGN KEY ("userId") REFERENCES "users"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "holds" ADD CONSTRAINT "holds_grantId_fkey" FOREIGN KEY ("grantId") REFERENCES "grants"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "holds" ADD CONSTRAINT "holds_sessionId_fkey" FOREIGN KEY ("sessionId") REFERENCES "sessions"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "memberships" ADD CONSTRAINT "memberships_userId_fkey" FOREIGN KEY ("userId") REFERENCES "users"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "memberships" ADD CONSTRAINT "memberships_groupId_fkey" FOREIGN KEY ("groupId") REFERENCES "groups"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "web_sessions" ADD CONSTRAINT "web_sessions_userId_fkey" FOREIGN KEY ("userId") REFERENCES "users"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "api_tokens" ADD CONSTRAINT "api_tokens_userId_fkey" FOREIGN KEY ("userId") REFERENCES "users"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "credentials" ADD CONSTRAINT "credentials_resourceId_fkey" FOREIGN KEY ("resourceId") REFERENCES "resources"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "catalog_versions" ADD CONSTRAINT "catalog_versions_resourceId_fkey" FOREIGN KEY ("resourceId") REFERENCES "resources"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "sessions" ADD CONSTRAINT "sessions_grantId_fkey" FOREIGN KEY ("grantId") REFERENCES "grants"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "operations" ADD CONSTRAINT "operations_sessionId_fkey" FOREIGN KEY ("sessionId") REFERENCES "sessions"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "tasks" ADD CONSTRAINT "tasks_resourceId_fkey" FOREIGN KEY ("resourceId") REFERENCES "resources"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "task_revisions" ADD CONSTRAINT "task_revisions_taskId_fkey" FOREIGN KEY ("taskId") REFERENCES "tasks"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "policy_revisions" ADD CONSTRAINT "policy_revisions_policyId_fkey" FOREIGN KEY ("policyId") REFERENCES "policies"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- What Prisma cannot say, written by hand.

-- History is append-only for everybody who comes through SQL, this product's own code included.
CREATE FUNCTION "refuse_change"() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
  RAISE EXCEPTION '% is append-only: % is refused', TG_TABLE_NAME, lower(TG_OP) USING ERRCODE = 'integrity_constraint_violation';
END
$$;

-- A revision's source never changes; it can be published, once.
CREATE FUNCTION "refuse_revision_change"() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
  IF OLD."publishedAt" IS NULL AND NEW."publishedAt" IS NOT NULL
     AND to_jsonb(OLD) - 'publishedAt' = to_jsonb(NEW) - 'publishedAt' THEN
    RETURN NEW;
  END IF;
  RAISE EXCEPTION '% are immutable: save a new revision instead', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
END
$$;

CREATE TRIGGER "audit_append_only" BEFORE UPDATE OR DELETE ON "audit" FOR EACH ROW EXECUTE FUNCTION "refuse_change"();
CREATE TRIGGER "audit_keep" BEFORE TRUNCATE ON "audit" FOR EACH STATEMENT EXECUTE FUNCTION "refuse_change"();
CREATE TRIGGER "approvals_append_only" BEFORE UPDATE OR DELETE ON "approvals" FOR EACH ROW EXECUTE FUNCTION "refuse_change"();
CREATE TRIGGER "approvals_keep" BEFORE TRUNCATE ON "approvals" FOR EACH STATEMENT EXECUTE FUNCTION "refuse_change"();
CREATE TRIGGER "recording_views_append_only" BEFORE UPDATE OR DELETE ON "recording_views" FOR EACH ROW EXECUTE FUNCTION "refuse_change"();
CREATE TRIGGER "recording_views_keep" BEFORE TRUNCATE ON "recording_views" FOR EACH STATEMENT EXECUTE FUNCTION "refuse_change"();
CREATE TRIGGER "task_revisions_immutable" BEFORE UPDATE ON "task_revisions" FOR EACH ROW EXECUTE FUNCTION "refuse_revision_change"();
CREATE TRIGGER "task_revisions_no_delete" BEFORE DELETE ON "task_revisions" FOR EACH ROW EXECUTE FUNCTION "refuse_change"();
CREATE TRIGGER "task_revisions_keep" BEFORE TRUNCATE ON "task_revisions" FOR EACH STATEMENT EXECUTE FUNCTION "refuse_change"();
CREATE TRIGGER "policy_revisions_immutable" BEFORE UPDATE ON "policy_revisions" FOR EACH ROW EXECUTE FUNCTION "refuse_revision_change"();
CREATE TRIGGER "policy_revisions_no_delete" BEFORE DELETE ON "policy_revisions" FOR EACH ROW EXECUTE FUNCTION "refuse_change"();
CREATE TRIGGER "policy_revisions_keep" BEFORE TRUNCATE ON "policy_revisions" FOR EACH STATEMENT EXECUTE FUNCTION "refuse_change"();

-- Closed sets of values: what no code path may write, whatever a bug asks for.
ALTER TABLE "users" ADD CONSTRAINT "users_email_lower" CHECK ("email" = lower("email") AND length("email") <= 254);
ALTER TABLE "groups" ADD CONSTRAINT "groups_roles" CHECK ("roles" <@ ARRAY['admin', 'reviewer', 'engineer', 'auditor']);
ALTER TABLE "api_tokens" ADD CONSTRAINT "api_tokens_hash" CHECK (length("hash") = 32),
  ADD CONSTRAINT "api_tokens_scopes" CHECK (cardinality("scopes") > 0);
ALTER TABLE "resources" ADD CONSTRAINT "resources_type" CHECK ("type" IN ('postgres')),
  ADD CONSTRAINT "resources_port" CHECK ("port" BETWEEN 1 AND 65535),
  ADD CONSTRAINT "resources_tls_mode" CHECK ("tlsMode" IN ('disable', 'require', 'verify-ca', 'verify-full'));
ALTER TABLE "tasks" ADD CONSTRAINT "tasks_revisions" CHECK ("latestRevision" >= 1 AND ("publishedRevision" IS NULL OR "publishedRevision" BETWEEN 1 AND "latestRevision"));
ALTER TABLE "policies" ADD CONSTRAINT "policies_revisions" CHECK ("latestRevision" >= 1 AND ("publishedRevision" IS NULL OR "publishedRevision" BETWEEN 1 AND "latestRevision"));
ALTER TABLE "grants" ADD CONSTRAINT "grants_state" CHECK ("state" IN ('requested', 'approved', 'active', 'ended')),
  ADD CONSTRAINT "grants_end" CHECK (("state" = 'ended') = ("endedAt" IS NOT NULL) AND ("state" = 'ended') = ("endReason" IS NOT NULL)),
  ADD CONSTRAINT "grants_end_reason" CHECK ("endReason" IN ('completed', 'expired', 'revoked', 'refused')),
  -- A token exists only for a grant that was activated and has an end.
  ADD CONSTRAINT "grants_active" CHECK ("state" <> 'active' OR ("activatedAt" IS NOT NULL AND "expiresAt" IS NOT NULL AND "verifier" IS NOT NULL)),
  ADD CONSTRAINT "grants_ttl" CHECK ("ttlMs" > 0 AND "approvalsNeeded" >= 0);
ALTER TABLE "approvals" ADD CONSTRAINT "approvals_outcome" CHECK ("outcome" IN ('approved', 'refused')),
  ADD CONSTRAINT "approvals_subject" CHECK (num_nonnulls("grantId", "holdId") = 1);
ALTER TABLE "holds" ADD CONSTRAINT "holds_state" CHECK ("state" IN ('waiting', 'approved', 'refused', 'timed-out', 'cancelled')),
  ADD CONSTRAINT "holds_redeemed" CHECK ("redeemedAt" IS NULL OR "state" = 'approved'),
  ADD CONSTRAINT "holds_approvals" CHECK ("approvalsNeeded" >= 1 AND cardinality("approverGroups") > 0);
ALTER TABLE "sessions" ADD CONSTRAINT "sessions_protocol" CHECK ("protocol" IN ('postgres', 'console'));
ALTER TABLE "operations" ADD CONSTRAINT "operations_outcome" CHECK ("outcome" IN ('allow', 'deny', 'hold')),
  ADD CONSTRAINT "operations_result" CHECK ("result" IN ('done', 'error', 'refused', 'cancelled', 'skipped', 'withheld', 'unknown'));

-- One current catalog a resource.
CREATE UNIQUE INDEX "catalog_versions_current" ON "catalog_versions" ("resourceId") WHERE "current";
