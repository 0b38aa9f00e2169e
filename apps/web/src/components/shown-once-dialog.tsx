'use client';
import type { ReactNode } from 'react';
import { Button } from './button.tsx';
import { CopyField } from './copy-field.tsx';
import { Dialog } from './dialog.tsx';

/** A token that was just made. It lives here, and is gone when this closes. */
export function ShownOnceDialog(props: {
  readonly title: string;
  readonly label: string;
  readonly token: string;
  readonly onClose: () => void;
  /** What else is needed beside it. */
  readonly children?: ReactNode;
}) {
  const { title, label, token, onClose, children } = props;
  return (
    <Dialog
      open
      lasting
      onClose={onClose}
      title={title}
      footer={
        <Button variant="primary" onClick={onClose}>
          I have it
        </Button>
      }
    >
      {children}
      <CopyField label={label} value={token} secret />
      <p className="mt-3 text-muted">When this closes it cannot be shown again; only its hash is kept.</p>
    </Dialog>
  );
}
