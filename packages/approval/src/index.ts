export * from './approval-content.ts';
export { type ApprovalFile, type Parsed, parseApprovalFile, parseSignedText } from './approval-file.ts';
export { fromBase64url, toBase64url } from './base64url.ts';
export { canonicalJson, type Json } from './canonical-json.ts';
export { keyThumbprint, type PublicJwk, parsePublicJwk } from './public-key.ts';
export { type ApprovalVerdict, verifyApproval } from './verify-approval.ts';
export { createWebCrypto, type Subtle, type WebCrypto } from './web-crypto.ts';
