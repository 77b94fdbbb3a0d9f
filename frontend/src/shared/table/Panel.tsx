/** A titled region of a page with its state: loading, empty, failed, or its content. */
import type { JSX, ReactNode } from "react";

interface PanelProps {
  title: string;
  count?: number | undefined;
  aside?: ReactNode;
  isLoading: boolean;
  failure?: string | null;
  onRetry?: () => void;
  empty?: string | null;
  className?: string;
  children: ReactNode;
}

export function Panel(props: PanelProps): JSX.Element {
  const { title, count, aside, isLoading, failure, onRetry, empty, className, children } = props;
  return (
    <section aria-label={title} className={`flex min-h-0 flex-col bg-surface ${className ?? ""}`}>
      <header className="flex h-9 shrink-0 items-center gap-2 px-4">
        <h2 className="text-body font-semibold">{title}</h2>
        {count !== undefined && <span className="text-small text-faint">{count}</span>}
        <span className="ml-auto flex items-center gap-3 text-small text-faint">{aside}</span>
      </header>
      {failure ? (
        <p role="alert" className="flex items-center gap-3 border-t border-line px-4 py-3 text-critical">
          {failure}
          {onRetry && (
            <button type="button" onClick={onRetry} className="text-accent underline underline-offset-2">
              Try again
            </button>
          )}
        </p>
      ) : null}
      {isLoading ? (
        <p className="border-t border-line px-4 py-3 text-faint">Loading</p>
      ) : empty ? (
        <p className="border-t border-line px-4 py-3 text-faint">{empty}</p>
      ) : (
        children
      )}
    </section>
  );
}
