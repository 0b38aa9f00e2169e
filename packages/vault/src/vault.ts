import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';
import { SecretValue, TaskgateError, utf8Decode } from '@taskgate/core';

/**
 * Envelope encryption. `context` says what a sealed value is for, such as `credential:res_...`: opened under any other
 * context it fails, so a sealed value moved to another row opens nothing.
 */
export interface Vault {
  /** Hex fingerprint (8 bytes) of the master key that seals now. */
  readonly keyId: string;
  seal(plaintext: SecretValue | Uint8Array, context: string): Uint8Array;
  /** Throws `internal` when anything at all was changed, the context is another, or the key is not held. */
  open(sealed: Uint8Array, context: string): Uint8Array;
  /** As {@link Vault.open}, for text. */
  openSecret(sealed: Uint8Array, context: string): SecretValue;
  /** The same value under the current master key: only its data key is sealed anew. */
  rotate(sealed: Uint8Array, context: string): Uint8Array;
}

export const MASTER_KEY_BYTES = 32;

// Envelope: version (1) | key id (8) | nonce (12), data key sealed (32), tag (16) | nonce (12), ciphertext, tag (16)
const VERSION = 1;
const KEY_ID_BYTES = 8;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const HEADER_BYTES = 1 + KEY_ID_BYTES;
const BOX_OVERHEAD = NONCE_BYTES + TAG_BYTES;
const WRAPPED_BYTES = BOX_OVERHEAD + MASTER_KEY_BYTES;
const MAX_PLAINTEXT_BYTES = 1024 * 1024;
const MAX_CONTEXT_LENGTH = 200;

/** `previous` are master keys that may still open, never seal. Throws `bad-input` for a key that is not 32 bytes. */
export function createVault(options: {
  readonly masterKey: Uint8Array;
  readonly previous?: readonly Uint8Array[];
  readonly randomBytes?: (length: number) => Uint8Array;
}): Vault {
  const random = options.randomBytes ?? randomBytes;
  const keys = new Map<string, Uint8Array>();
  for (const key of [options.masterKey, ...(options.previous ?? [])]) {
    if (key.length !== MASTER_KEY_BYTES)
      throw new TaskgateError('bad-input', `a master key is ${MASTER_KEY_BYTES} bytes, not ${key.length}`);
    keys.set(fingerprint(key), Uint8Array.from(key));
  }
  const keyId = fingerprint(options.masterKey);
  const header = Buffer.concat([Buffer.of(VERSION), Buffer.from(keyId, 'hex')]);

  const wrap = (dataKey: Uint8Array, context: string): Uint8Array =>
    encrypt(keys.get(keyId)!, dataKey, keyData(header, context), random);

  const unwrap = (sealed: Uint8Array, context: string): Uint8Array => {
    if (sealed.length < HEADER_BYTES + WRAPPED_BYTES + BOX_OVERHEAD || sealed[0] !== VERSION)
      throw broken('it is not one of this vault');
    const itsHeader = sealed.subarray(0, HEADER_BYTES);
    const id = Buffer.from(itsHeader.subarray(1)).toString('hex');
    const master = keys.get(id);
    if (!master) throw broken(`its master key \`${id}\` is not held here`);
    return decrypt(master, sealed.subarray(HEADER_BYTES, HEADER_BYTES + WRAPPED_BYTES), keyData(itsHeader, context));
  };

  const vault: Vault = {
    keyId,
    seal(plaintext, context) {
      checkContext(context);
      const bytes =
        plaintext instanceof SecretValue ? plaintext.reveal((text) => Buffer.from(text, 'utf8')) : plaintext;
      if (bytes.length > MAX_PLAINTEXT_BYTES) throw new TaskgateError('too-large', 'a secret is at most 1 MiB');
      const dataKey = random(MASTER_KEY_BYTES);
      const parts = [header, wrap(dataKey, context), encrypt(dataKey, bytes, payloadData(context), random)];
      dataKey.fill(0);
      return new Uint8Array(Buffer.concat(parts));
    },
    open(sealed, context) {
      checkContext(context);
      const dataKey = unwrap(sealed, context);
      const plaintext = decrypt(dataKey, sealed.subarray(HEADER_BYTES + WRAPPED_BYTES), payloadData(context));
      dataKey.fill(0);
      return plaintext;
    },
    openSecret(sealed, context) {
      const text = utf8Decode(vault.open(sealed, context));
      if (text === null) throw broken('it is not text');
      return new SecretValue(text);
    },
    rotate(sealed, context) {
      checkContext(context);
      const dataKey = unwrap(sealed, context);
      const parts = [header, wrap(dataKey, context), sealed.subarray(HEADER_BYTES + WRAPPED_BYTES)];
      dataKey.fill(0);
      return new Uint8Array(Buffer.concat(parts));
    },
  };
  return vault;
}

// The domain keeps a sealed data key and a sealed value from ever standing in for each other.
const keyData = (header: Uint8Array, context: string): Uint8Array =>
  Buffer.concat([Buffer.from('taskgate vault data key\0'), header, Buffer.from(context)]);
const payloadData = (context: string): Uint8Array => Buffer.from(`taskgate vault value\0${context}`);

function encrypt(
  key: Uint8Array,
  plaintext: Uint8Array,
  associated: Uint8Array,
  random: (length: number) => Uint8Array,
): Uint8Array {
  const nonce = random(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(associated);
  return Buffer.concat([nonce, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
}

function decrypt(key: Uint8Array, box: Uint8Array, associated: Uint8Array): Uint8Array {
  const decipher = createDecipheriv('aes-256-gcm', key, box.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES });
  decipher.setAAD(associated);
  decipher.setAuthTag(box.subarray(box.length - TAG_BYTES));
  try {
    const body = decipher.update(box.subarray(NONCE_BYTES, box.length - TAG_BYTES));
    return new Uint8Array(Buffer.concat([body, decipher.final()]));
  } catch {
    throw broken('it was changed, or belongs elsewhere');
  }
}

/** Public name of a key: a hash cannot be turned back into it. */
function fingerprint(key: Uint8Array): string {
  return createHash('sha256')
    .update('taskgate master key\0')
    .update(key)
    .digest('hex')
    .slice(0, 2 * KEY_ID_BYTES);
}

function checkContext(context: string): void {
  if (context.length === 0 || context.length > MAX_CONTEXT_LENGTH)
    throw new TaskgateError('bad-input', `a sealing context has 1 to ${MAX_CONTEXT_LENGTH} characters`);
}

const broken = (why: string): TaskgateError => new TaskgateError('internal', `a sealed value cannot be opened: ${why}`);
