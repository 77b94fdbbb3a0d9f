/** Signed out: the sign-in page. Signed in: the shell with its page. */
import { useEffect, type JSX } from "react";

import { AcceptInvitation } from "../rooms/identity/AcceptInvitation";
import { ForgotPassword } from "../rooms/identity/ForgotPassword";
import { FromMail } from "../rooms/identity/FromMail";
import { purposeOf, useLink } from "../rooms/identity/mailLink";
import { SignIn } from "../rooms/identity/SignIn";
import { OverviewPage } from "../rooms/overview/OverviewPage";
import { useIsSignedIn } from "../shared/graphql/session";
import { Shell } from "./Shell";

const SIGN_IN = "/sign-in";
const FORGOT_PASSWORD = "/forgot-password";
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
  // These are page loads of their own, and need no session.
  if (location.pathname === FORGOT_PASSWORD) return <ForgotPassword />;
  return purposeOf(location.pathname) === null ? <Desk /> : <MailPage />;
}

function MailPage(): JSX.Element {
  const purpose = purposeOf(location.pathname);
  const { token, opened } = useLink();
  if (purpose === "invitation") return <AcceptInvitation key={opened} token={token} />;
  return <FromMail key={opened} purpose={purpose ?? "verify"} token={token} />;
}

function Desk(): JSX.Element {
  const isSignedIn = useIsSignedIn();

  useEffect(() => {
    if (!isSignedIn && location.pathname !== SIGN_IN) history.replaceState(null, "", SIGN_IN);
    if (isSignedIn && location.pathname === SIGN_IN) proceed();
    if (isSignedIn) document.title = "Overview · OMS Trading";
  }, [isSignedIn]);

  if (!isSignedIn) return <SignIn onSignedIn={proceed} />;
  return (
    <Shell page="overview">
      <OverviewPage />
    </Shell>
  );
}
