import type { IssuerKind } from '@taskgate/core';

export interface SnippetInput {
  /** Origin of this installation. */
  readonly origin: string;
  readonly audience: string;
  /** The first task of the machine. */
  readonly task: string;
}

export interface Snippet {
  readonly label: string;
  readonly text: string;
}

/** Exchanges `$JWT` for a grant's token. */
const exchange = ({ origin, task }: SnippetInput, indent: string): string =>
  [
    `PGPASSWORD=$(curl -sSf ${origin}/api/v1/oauth/token \\`,
    '  -d grant_type=urn:ietf:params:oauth:grant-type:token-exchange \\',
    '  -d subject_token_type=urn:ietf:params:oauth:token-type:jwt \\',
    `  --data-urlencode "subject_token=$JWT" \\`,
    `  -d audience=${task} | jq -re .access_token)`,
  ]
    .map((line) => indent + line)
    .join('\n');

/** What to paste into the job, by provider. The grant's token is the password of the native client. */
export function workflowSnippet(kind: IssuerKind, input: SnippetInput): Snippet {
  const { audience, task } = input;
  switch (kind) {
    case 'github':
      return {
        label: 'GitHub Actions workflow',
        text: `permissions:
  id-token: write
jobs:
  ${task}:
    runs-on: ubuntu-latest
    steps:
      - run: |
          JWT=$(curl -sSf -H "Authorization: bearer $ACTIONS_ID_TOKEN_REQUEST_TOKEN" \\
            "$ACTIONS_ID_TOKEN_REQUEST_URL&audience=${encodeURIComponent(audience)}" | jq -re .value)
${exchange(input, '          ')}
          echo "::add-mask::$PGPASSWORD"
          echo "PGPASSWORD=$PGPASSWORD" >> "$GITHUB_ENV"
`,
      };
    case 'gitlab':
      return {
        label: 'GitLab CI job',
        text: `${task}:
  id_tokens:
    JWT:
      aud: ${audience}
  script:
    - |
${exchange(input, '      ')}
      export PGPASSWORD
`,
      };
    case 'kubernetes':
      return {
        label: 'Pod with a projected token',
        text: `apiVersion: v1
kind: Pod
metadata:
  name: ${task}
spec:
  serviceAccountName: ${task}
  containers:
    - name: job
      image: your/image
      volumeMounts:
        - name: taskgate
          mountPath: /var/run/taskgate
      command: [sh, -c]
      args:
        - |
          JWT=$(cat /var/run/taskgate/token)
${exchange(input, '          ')}
          export PGPASSWORD
  volumes:
    - name: taskgate
      projected:
        sources:
          - serviceAccountToken:
              audience: ${audience}
              expirationSeconds: 600
              path: token
`,
      };
    case 'spiffe':
      return {
        label: 'With a JWT-SVID',
        text: `JWT=$(spire-agent api fetch jwt -audience '${audience}' -output json | jq -re '.[0].svids[0].svid')
${exchange(input, '')}
export PGPASSWORD
`,
      };
    case 'oidc':
      return {
        label: 'With curl',
        text: `# JWT: a token of the issuer for the audience ${audience}
${exchange(input, '')}
export PGPASSWORD
`,
      };
  }
}
