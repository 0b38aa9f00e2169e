import { describe, expect, it } from 'vitest';
import { finishSaml, readInResponseTo } from './saml.ts';

const read = (xml: string): string | null => readInResponseTo(Buffer.from(xml).toString('base64'));

describe('the request that a response says it answers', () => {
  it('is read of the one tag, with or without a prefix', () => {
    const attributes = 'ID="_r" Version="2.0" InResponseTo="_1a.b-c" Destination="https://gate.test/acs"';
    expect(read(`<?xml version="1.0"?>\n<samlp:Response ${attributes}><Assertion/></samlp:Response>`)).toBe('_1a.b-c');
    expect(read(`<Response\n ${attributes}>`)).toBe('_1a.b-c');
    expect(read('<Response ID="_r"><SubjectConfirmationData InResponseTo="_1"/></Response>')).toBeNull();
    expect(read('<ResponseX InResponseTo="_1">')).toBeNull();
  });

  it('is looked for nowhere else, however many tags somebody begins who is nobody', () => {
    expect(read('<Response ><Response InResponseTo="_1">')).toBeNull();
    expect(read('<Response '.repeat(19_000))).toBeNull();
    expect(read(`${'<Response '.repeat(19_000)} InResponseTo="_1">`)).toBeNull();
  });
});

describe('a response of somebody who is nobody', () => {
  const finish = (inner: string): Promise<unknown> =>
    finishSaml(
      { entityId: 'https://idp.test', signInUrl: 'https://idp.test/sso', certificates: ['none'] },
      { entityId: 'https://gate.test', acsUrl: 'https://gate.test/acs' },
      {
        response: Buffer.from(`<Response InResponseTo="_1">${inner}</Response>`).toString('base64'),
        requestId: '_1',
        nowMs: 0,
        attributes: { email: 'email', name: 'name', groups: 'groups', subject: null },
      },
    );

  it.each(['<a/>', '<a>x</a>', '<!--x-->', '<?x?>'])('is not parsed where it has too many of %s', async (element) => {
    await expect(finish(element.repeat(2_000))).rejects.toThrow(/more than 2000 elements/);
    await expect(finish(element)).rejects.not.toThrow(/elements/);
  });
});
