/** Signed out: the sign-in page. Signed in: the shell with its page. */
import { useEffect, type JSX } from "react";

import { FromMail } from "../rooms/identity/FromMail";
import { purposeOf } from "../rooms/identity/mailLink";
import { SignIn } from "../rooms/identity/SignIn";
import { OverviewPage } from "../rooms/overview/OverviewPage";
import { useCredential } from "../shared/graphql/session";
import { Shell } from "./Shell";

const SIGN_IN = "/sign-in";
/** Pages that sign-in may lead to; anything else in `next` is ignored. */
const DESTINATIONS = new Set(["/", "/graphiql"]);

function destination(): string {
  const next = new URLSearchParams(location.search).get("next") ?? "/";
  return DESTINATIONS.has(next) ? next : "/";
}

function proceed(): void {
  const next = destination();
  // GraphiQL has a content security policy of its own, so it is a page load and not a route.
  if (next === "/graphiql") location.assign(next);
  else history.replaceState(null, "", next);
}

export function App(): JSX.Element {
  const isSignedIn = useCredential() !== null;

  const purpose = purposeOf(location.pathname);

  useEffect(() => {
    if (purpose !== null) {
      document.title = "Your account · OMS Trading";
      return;
    }
    if (!isSignedIn && location.pathname !== SIGN_IN) history.replaceState(null, "", SIGN_IN);
    if (isSignedIn && location.pathname === SIGN_IN) proceed();
    document.title = isSignedIn ? "Overview · OMS Trading" : "Sign in · OMS Trading";
  }, [isSignedIn, purpose]);

  if (purpose !== null) return <FromMail purpose={purpose} />;
  if (!isSignedIn) return <SignIn onSignedIn={proceed} />;
  return (
    <Shell page="overview">
      <OverviewPage />
    </Shell>
  );
}
