/** Signed out: the sign-in page. Signed in: the shell with its rooms. */
import { RouterProvider } from "@tanstack/react-router";
import { useEffect, useState, type JSX } from "react";

import { AcceptInvitation } from "../rooms/identity/AcceptInvitation";
import { EnrolmentGate } from "../rooms/identity/ForcedEnrolment";
import { ForgotPassword } from "../rooms/identity/ForgotPassword";
import { FromMail } from "../rooms/identity/FromMail";
import { purposeOf, useLink } from "../rooms/identity/mailLink";
import { SignIn } from "../rooms/identity/SignIn";
import { useIsSignedIn } from "../shared/graphql/session";
import { destinationOf } from "./destination";
import { router } from "./router";

const SIGN_IN = "/sign-in";
const FORGOT_PASSWORD = "/forgot-password";

/** Leaves the sign-in page; false where another page is loaded for that. */
function proceed(): boolean {
  const next = destinationOf(location.search);
  // GraphiQL has a content security policy of its own, so it is a page load and not a route.
  if (next === "/graphiql") {
    location.assign(next);
    return false;
  }
  history.replaceState(null, "", next);
  return true;
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
  const [isInside, setIsInside] = useState(false);

  useEffect(() => {
    if (isSignedIn) {
      setIsInside(location.pathname !== SIGN_IN || proceed());
      return;
    }
    setIsInside(false);
    if (location.pathname === SIGN_IN) return;
    const from = location.pathname + location.search;
    history.replaceState(null, "", from === "/" ? SIGN_IN : `${SIGN_IN}?next=${encodeURIComponent(from)}`);
  }, [isSignedIn]);

  if (!isSignedIn) return <SignIn />;
  // The router is there from when the sign-in page is left: that is no route.
  if (!isInside) return <></>;
  return (
    <EnrolmentGate>
      <RouterProvider router={router} />
    </EnrolmentGate>
  );
}
