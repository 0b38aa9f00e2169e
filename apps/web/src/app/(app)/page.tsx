import { Page, PageHeader } from '@/components/page.tsx';

export default function HomePage() {
  return (
    <Page>
      <PageHeader title="Home" />
    </Page>
  );
}
