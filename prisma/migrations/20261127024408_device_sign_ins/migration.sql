-- CreateTable
CREATE TABLE "device_sign_ins" (
    "id" TEXT NOT NULL,
    "deviceHash" BYTEA NOT NULL,
    "userHash" BYTEA NOT NULL,
    "name" TEXT NOT NULL,
    "address" TEXT NOT NULL,
    "state" TEXT NOT NULL DEFAULT 'waiting',
    "identityId" TEXT,
    "createdAt" TIMESTAMPTZ(3) NOT NULL,
    "expiresAt" TIMESTAMPTZ(3) NOT NULL,
    "lastPolledAt" TIMESTAMPTZ(3),
    "intervalMs" INTEGER NOT NULL,

    CONSTRAINT "device_sign_ins_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE UNIQUE INDEX "device_sign_ins_deviceHash_key" ON "device_sign_ins"("deviceHash");

-- CreateIndex
CREATE UNIQUE INDEX "device_sign_ins_userHash_key" ON "device_sign_ins"("userHash");

-- CreateIndex
CREATE INDEX "device_sign_ins_expiresAt_idx" ON "device_sign_ins"("expiresAt");

-- AddForeignKey
ALTER TABLE "device_sign_ins" ADD CONSTRAINT "device_sign_ins_identityId_fkey" FOREIGN KEY ("identityId") REFERENCES "identities"("id") ON DELETE CASCADE ON UPDATE CASCADE;

ALTER TABLE "device_sign_ins" ADD CONSTRAINT "device_sign_ins_state" CHECK ("state" IN ('waiting', 'approved', 'denied', 'redeemed')),
  ADD CONSTRAINT "device_sign_ins_decided" CHECK (("state" = 'waiting') = ("identityId" IS NULL)),
  ADD CONSTRAINT "device_sign_ins_hashes" CHECK (length("deviceHash") = 32 AND length("userHash") = 32);
