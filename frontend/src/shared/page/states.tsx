/** What a page or a panel says when it has nothing to show: loading, empty, forbidden, failed. */
import type { JSX, ReactNode } from "react";

interface StateProps {
  title: string;
  children?: ReactNode;
  action?: ReactNode;
}

function State({ title, children, action, role }: StateProps & { role?: "alert" | "status" }): JSX.Element {
  return (
    <div {...(role === undefined ? {} : { role })} className="flex flex-col items-start gap-1 px-4 py-3">
      <p className="font-medium text-soft">{title}</p>
      {children !== undefined && children !== null && <p className="max-w-140 text-faint">{children}</p>}
      {action}
    </div>
  );
}

export function Loading({ what }: { what?: string }): JSX.Element {
  return (
    <p role="status" className="px-4 py-3 text-faint">
      {what === undefined ? "Loading" : `Loading ${what}`}
    </p>
  );
}

export function Empty(props: StateProps): JSX.Element {
  return <State {...props} />;
}

/** For what the person's role does not allow; `what` such as "the audit log". */
export function Forbidden({ what }: { what: string }): JSX.Element {
  return (
    <State role="alert" title={`Your role may not see ${what}.`}>
      Somebody who administers the firm can give you a role that may.
    </State>
  );
}

export function Failed({ message, onRetry }: { message: string; onRetry?: (() => void) | undefined }): JSX.Element {
  return (
    <State
      role="alert"
      title={message}
      action={
        onRetry && (
          <button type="button" className="text-accent underline-offset-2 hover:underline" onClick={onRetry}>
            Try again
          </button>
        )
      }
    />
  );
}
