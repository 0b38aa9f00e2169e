'use client';
import { type ReactNode, useState } from 'react';
import { Button } from './button.tsx';
import { Dialog } from './dialog.tsx';
import { Field, FormError } from './field.tsx';
import { Input } from './input.tsx';

/** Asks before something is ended or taken away. `action` names the deed and its object: "Revoke 3 sessions". */
export function ConfirmDialog({
  open,
  onClose,
  title,
  action,
  onConfirm,
  children,
  typeToConfirm,
  loading = false,
  error,
}: {
  open: boolean;
  onClose: () => void;
  title: string;
  action: string;
  onConfirm: () => void;
  children: ReactNode;
  /** For what cannot be taken back: this must be typed first. */
  typeToConfirm?: string;
  loading?: boolean;
  error?: string | null;
}) {
  const [typed, setTyped] = useState('');
  const blocked = typeToConfirm !== undefined && typed !== typeToConfirm ? `type \`${typeToConfirm}\` first` : null;
  return (
    <Dialog
      open={open}
      onClose={onClose}
      title={title}
      footer={
        <>
          <Button onClick={onClose}>Keep it</Button>
          <Button variant="danger" onClick={onConfirm} disabledReason={blocked} loading={loading}>
            {action}
          </Button>
        </>
      }
    >
      <div className="flex flex-col gap-3">
        <div>{children}</div>
        {typeToConfirm !== undefined && (
          <Field label={`Type ${typeToConfirm} to confirm`}>
            {(props) => <Input {...props} value={typed} onChange={(event) => setTyped(event.target.value)} />}
          </Field>
        )}
        <FormError message={error} />
      </div>
    </Dialog>
  );
}
