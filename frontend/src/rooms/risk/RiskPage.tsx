/** Risk: how full limits are, breaches, limits and their proposals, halts, circuit breakers, figures of what is held. */
import type { JSX } from "react";

import { Tabs, tabOf, type Tab } from "../../shared/controls/Tabs";
import { Page } from "../../shared/page/Page";
import { usePageSearch } from "../../shared/page/search";
import { useAnswer } from "../../shared/query/useAnswer";
import { pageOfConnection, usePages } from "../../shared/query/usePages";
import { useMay } from "../../shared/session/viewer";
import { AnalyticsTab } from "./analytics/AnalyticsTab";
import { PROPOSALS } from "./documents";
import { LimitsTab } from "./limits/LimitsTab";
import { ProposalsTab } from "./limits/ProposalsTab";
import { BreachesTab } from "./monitor/BreachesTab";
import { BreakersTab } from "./monitor/BreakersTab";
import { BREACHES } from "./monitor/documents";
import { HaltsTab } from "./monitor/HaltsTab";
import { UtilisationTab } from "./monitor/UtilisationTab";

type TabId = "utilisation" | "breaches" | "limits" | "proposals" | "halts" | "breakers" | "analytics";

const COUNT_EVERY_MS = 10_000;
const PAGE = 50;

export function RiskPage(): JSX.Element {
  const [search, patch] = usePageSearch();
  const maySeePositions = useMay("VIEW_POSITIONS");
  const mayManage = useMay("MANAGE_RISK");
  const unseen = useAnswer(BREACHES, { filter: { isAcknowledged: false }, first: 1 }, { everyMs: COUNT_EVERY_MS, isWanted: maySeePositions });
  const tabs: Tab<TabId>[] = [
    ...(maySeePositions
      ? ([
          { id: "utilisation", label: "Utilisation" },
          { id: "breaches", label: "Breaches", count: unseen.data?.riskBreaches.totalCount },
        ] as const)
      : []),
    { id: "limits", label: "Limits" },
    ...(mayManage ? ([{ id: "proposals", label: "Proposals" }] as const) : []),
    { id: "halts", label: "Halts" },
    { id: "breakers", label: "Circuit breakers" },
    ...(maySeePositions ? ([{ id: "analytics", label: "Analytics" }] as const) : []),
  ];
  const current = tabOf(search["tab"], tabs);
  return (
    <Page title="Risk">
      <Tabs label="Risk" tabs={tabs} current={current} onChoose={(tab) => patch({ tab, limit: undefined })} />
      {current === "utilisation" && <UtilisationTab onOpenLimit={(limit) => patch({ tab: "limits", limit })} />}
      {current === "breaches" && <BreachesTab />}
      {current === "limits" && <LimitsTab onProposed={() => patch({ tab: "proposals", limit: undefined })} />}
      {current === "proposals" && <Proposals isAll={search["proposals"] === "all"} />}
      {current === "halts" && <HaltsTab />}
      {current === "breakers" && <BreakersTab />}
      {current === "analytics" && <AnalyticsTab />}
    </Page>
  );
}

function Proposals({ isAll }: { isAll: boolean }): JSX.Element {
  const pages = usePages(
    PROPOSALS,
    { states: isAll ? null : ["PENDING"], first: PAGE },
    { pageOf: (data) => pageOfConnection(data.riskLimitProposals), everyMs: COUNT_EVERY_MS },
  );
  return <ProposalsTab pages={pages} />;
}
