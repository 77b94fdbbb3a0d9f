/** GraphiQL with this browser's session: by its cookies, over HTTP and over the socket. */
import { createGraphiQLFetcher } from "@graphiql/toolkit";
import { GraphiQL } from "graphiql";
import { useEffect, useState, type JSX } from "react";

import { explorerAudience, mayExplore } from "../../app/explorer";

import { authorisedFetch, client, openSocket } from "../../shared/graphql/client";
import { describeFailure } from "../../shared/graphql/failure";
import { useIsSignedIn } from "../../shared/graphql/session";
import { useTheme } from "../../shared/theme/theme";
import { VIEWER } from "../identity/documents";
import { EDITOR_THEME, prepareEditors } from "./editors";
import { Frame } from "./Frame";
import { FIRST_ACCOUNT } from "./documents";
import { examplesFor } from "./examples";

const SIGN_IN = "/sign-in?next=/graphiql";

prepareEditors();
// The session is renewed on the way; no token is ever seen by the editor.
const fetcher = createGraphiQLFetcher({ url: "/graphql", fetch: authorisedFetch, wsClient: openSocket() });

export function Explorer(): JSX.Element | null {
  const isSignedIn = useIsSignedIn();
  const theme = useTheme();
  const refusal = useRefusal(isSignedIn);
  const accountId = useAccountId(isSignedIn);

  useEffect(() => {
    if (!isSignedIn) location.replace(SIGN_IN);
  }, [isSignedIn]);

  if (!isSignedIn) return null;
  return (
    <Frame>
      {refusal === null ? (
        <main className="explorer">
          <h1 className="sr-only">GraphiQL</h1>
          {accountId !== null && (
            <GraphiQL
              fetcher={fetcher}
              defaultTabs={examplesFor(accountId)}
              defaultEditorToolsVisibility="variables"
              forcedTheme={theme}
              editorTheme={EDITOR_THEME}
              showPersistHeadersSettings={false}
            />
          )}
        </main>
      ) : (
        <p role="alert" className="p-4">
          {refusal}
        </p>
      )}
    </Frame>
  );
}

/** The account that the examples name; empty without one or without the right to see it, null while it is asked for. */
function useAccountId(isSignedIn: boolean): string | null {
  const [accountId, setAccountId] = useState<string | null>(null);
  useEffect(() => {
    if (!isSignedIn) return;
    void client
      .query(FIRST_ACCOUNT, {})
      .toPromise()
      .then(({ data }) => setAccountId(data?.brokerAccounts[0]?.id ?? ""));
  }, [isSignedIn]);
  return accountId;
}

/** Why this person may not use the explorer; null as long as nothing says so. The API guards itself in any case. */
function useRefusal(isSignedIn: boolean): string | null {
  const [refusal, setRefusal] = useState<string | null>(null);
  useEffect(() => {
    if (!isSignedIn || explorerAudience() !== "admins") return;
    void client
      .query(VIEWER, {})
      .toPromise()
      .then(({ data, error }) => {
        if (error) setRefusal(describeFailure(error));
        else if (data && !mayExplore(data.viewer.scopes)) {
          setRefusal("GraphiQL is open to those who administer the firm.");
        }
      });
  }, [isSignedIn]);
  return refusal;
}
