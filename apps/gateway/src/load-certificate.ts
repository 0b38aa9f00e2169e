import { X509Certificate } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import tls from 'node:tls';
import { certificateBinding } from '@taskgate/gateway';
import { generate } from 'selfsigned';

const YEARS = 10;

/**
 * The gate's certificate: the operator's files where they are given, else one of its own, made at first start and kept
 * in the home with mode 0600. Clients that cannot check it against a CA prove the gate by channel binding, since only the
 * holder of this key and of the token's verifier can finish SCRAM-SHA-256-PLUS.
 */
export async function loadCertificate(options: {
  readonly home: string;
  readonly certificateFile: string | null;
  readonly keyFile: string | null;
  readonly host: string;
}) {
  const { cert, key } = await read(options);
  const der = new X509Certificate(cert).raw;
  return {
    context: tls.createSecureContext({ cert, key, minVersion: 'TLSv1.2' }),
    binding: certificateBinding(der),
  };
}

async function read(options: Parameters<typeof loadCertificate>[0]): Promise<{ cert: string; key: string }> {
  if ((options.certificateFile === null) !== (options.keyFile === null))
    throw new Error('TASKGATE_TLS_CERT and TASKGATE_TLS_KEY belong together: set both or none');
  if (options.certificateFile !== null && options.keyFile !== null)
    return { cert: fs.readFileSync(options.certificateFile, 'utf8'), key: fs.readFileSync(options.keyFile, 'utf8') };
  const certFile = path.join(options.home, 'gate-certificate.pem');
  const keyFile = path.join(options.home, 'gate-key.pem');
  if (fs.existsSync(certFile) && fs.existsSync(keyFile))
    return { cert: fs.readFileSync(certFile, 'utf8'), key: fs.readFileSync(keyFile, 'utf8') };
  const notAfter = new Date();
  notAfter.setFullYear(notAfter.getFullYear() + YEARS);
  const made = await generate([{ name: 'commonName', value: 'taskgate' }], {
    keyType: 'ec',
    curve: 'P-256',
    algorithm: 'sha256',
    notAfterDate: notAfter,
    extensions: [
      { name: 'basicConstraints', cA: false },
      {
        name: 'subjectAltName',
        altNames: [
          { type: 2, value: 'localhost' },
          { type: 7, ip: '127.0.0.1' },
          { type: 7, ip: '::1' },
        ],
      },
    ],
  });
  fs.writeFileSync(keyFile, made.private, { mode: 0o600 });
  fs.writeFileSync(certFile, made.cert, { mode: 0o600 });
  return { cert: made.cert, key: made.private };
}
