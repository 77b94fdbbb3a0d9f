/** What this is made of, and whose work it stands on. */
import type { JSX } from "react";

import { Page } from "../../shared/page/Page";

const LIBRARIES: readonly (readonly [string, string, string])[] = [
  ["TradingView Lightweight Charts™", "Apache-2.0", "Copyright (c) 2026 TradingView, Inc. https://www.tradingview.com/"],
  ["React", "MIT", "Meta Platforms, Inc. and affiliates"],
  ["TanStack Router and Virtual", "MIT", "Tanner Linsley"],
  ["urql, gql.tada", "MIT", "0no.co and the urql contributors"],
  ["graphql-js", "MIT", "GraphQL contributors"],
  ["graphql-ws", "MIT", "Denis Badurina"],
  ["GraphiQL", "MIT", "GraphQL contributors"],
  ["Monaco Editor", "MIT", "Microsoft Corporation"],
  ["Tailwind CSS", "MIT", "Tailwind Labs, Inc."],
  ["IBM Plex", "OFL-1.1", "IBM Corp."],
];

export function AboutPage(): JSX.Element {
  return (
    <Page title="About">
      {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- a scrolling region must be reachable by keyboard */}
      <div role="group" aria-label="About this dashboard" tabIndex={0} className="min-h-0 max-w-180 flex-1 overflow-auto px-4 py-3">
        <p className="pb-3 text-soft">OMS Trading, the dashboard. Everything on this screen came from this server; nothing is asked of another.</p>
        <table className="table">
          <caption className="pb-1 text-left text-small font-medium text-faint">Bundled work of others</caption>
          <thead>
            <tr>
              <th scope="col">Name</th>
              <th scope="col">Licence</th>
              <th scope="col">By</th>
            </tr>
          </thead>
          <tbody>
            {LIBRARIES.map(([name, licence, by]) => (
              <tr key={name}>
                <td>{name}</td>
                <td className="text-soft">{licence}</td>
                <td className="text-soft">{by}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </Page>
  );
}
