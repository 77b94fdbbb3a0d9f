/** Compliance: restricted lists, who touched them, cases, execution quality, calendars, order records. */
import type { JSX } from "react";

import { Tabs, tabOf, type Tab } from "../../shared/controls/Tabs";
import { casesTopic } from "../../shared/live/topics";
import { useNews, useReload } from "../../shared/live/useNews";
import { Page } from "../../shared/page/Page";
import { usePageSearch } from "../../shared/page/search";
import { useAnswer } from "../../shared/query/useAnswer";
import { useMay } from "../../shared/session/viewer";
import { AlertsTab } from "./AlertsTab";
import { CalendarTab } from "./CalendarTab";
import { CasesTab } from "./CasesTab";
import { CASES } from "./documents";
import { ListsTab } from "./ListsTab";
import { QualityTab } from "./QualityTab";
import { RecordsTab } from "./RecordsTab";

type TabId = "lists" | "alerts" | "cases" | "quality" | "calendar" | "records";

const COUNT_EVERY_MS = 15_000;

export function CompliancePage(): JSX.Element {
  const [search, patch] = usePageSearch();
  const mayManage = useMay("MANAGE_RISK");
  const maySeeMarket = useMay("VIEW_MARKET_DATA");
  const maySeeAudit = useMay("VIEW_AUDIT");
  const news = useNews(casesTopic, COUNT_EVERY_MS, mayManage);
  const open = useAnswer(CASES, { states: ["OPEN"], kinds: null, first: 1 }, { everyMs: news.everyMs, isWanted: mayManage });
  useReload(news, open.reload);
  const tabs: Tab<TabId>[] = [
    ...(mayManage
      ? ([
          { id: "lists", label: "Restricted lists" },
          { id: "alerts", label: "Alerts" },
          { id: "cases", label: "Cases", count: open.data?.surveillanceCases.totalCount },
        ] as const)
      : []),
    { id: "quality", label: "Execution quality" },
    ...(maySeeMarket ? ([{ id: "calendar", label: "Calendar" }] as const) : []),
    ...(maySeeAudit ? ([{ id: "records", label: "Order records" }] as const) : []),
  ];
  const current = tabOf(search["tab"], tabs);
  return (
    <Page title="Compliance">
      <Tabs label="Compliance" tabs={tabs} current={current} onChoose={(tab) => patch({ tab, list: undefined, case: undefined, account: undefined })} />
      {current === "lists" && <ListsTab />}
      {current === "alerts" && <AlertsTab />}
      {current === "cases" && <CasesTab />}
      {current === "quality" && <QualityTab />}
      {current === "calendar" && <CalendarTab />}
      {current === "records" && <RecordsTab />}
    </Page>
  );
}
