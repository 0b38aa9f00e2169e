import type { Metadata, Viewport } from 'next';
import localFont from 'next/font/local';
import { cookies, headers } from 'next/headers';
import { NuqsAdapter } from 'nuqs/adapters/next/app';
import type { ReactNode } from 'react';
import { Toaster } from '@/components/toast.tsx';
import { NonceProvider } from '@/lib/nonce.tsx';
import { QueryProvider } from '@/lib/query-provider.tsx';
import { readTheme, THEME_COOKIE } from '@/lib/theme.ts';
import './globals.css';

const sans = localFont({
  src: '../../node_modules/geist/dist/fonts/geist-sans/Geist-Variable.woff2',
  variable: '--font-geist-sans',
  weight: '100 900',
});

export const metadata: Metadata = {
  title: { default: 'Taskgate', template: '%s · Taskgate' },
  description: 'One narrow opening per task',
  robots: { index: false, follow: false },
};
export const viewport: Viewport = { colorScheme: 'light dark', width: 'device-width', initialScale: 1 };

export default async function RootLayout({ children }: { children: ReactNode }) {
  // Reading a header makes every page dynamic: a static page would carry no nonce, and its scripts would not run.
  const nonce = (await headers()).get('x-nonce') ?? '';
  const theme = readTheme((await cookies()).get(THEME_COOKIE)?.value);
  return (
    <html lang="en" data-theme={theme} className={sans.variable}>
      <body>
        <NonceProvider nonce={nonce}>
          <NuqsAdapter>
            <QueryProvider>
              {children}
              <Toaster />
            </QueryProvider>
          </NuqsAdapter>
        </NonceProvider>
      </body>
    </html>
  );
}
