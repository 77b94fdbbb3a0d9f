/** Brokers: connections, our books against theirs, orders in doubt, orders of others, and faults to practise with. */
import type { JSX } from "react";

import { Tabs, tabOf, type Tab } from "../../shared/controls/Tabs";
import { Page } from "../../shared/page/Page";
import { usePageSearch } from "../../shared/page/search";
import { useAnswer } from "../../shared/query/useAnswer";
import { pageOfConnection, usePages } from "../../shared/query/usePages";
import { useMay } from "../../shared/session/viewer";
import { AccountsTab } from "./AccountsTab";
import { BreaksTab } from "./BreaksTab";
import { BREAKS, BROKERS, IN_DOUBT } from "./documents";
import { DoubtsTab } from "./DoubtsTab";
import { ExternalTab } from "./ExternalTab";
import { FaultsTab } from "./FaultsTab";
import { RunsTab } from "./RunsTab";

type TabId = "accounts" | "breaks" | "runs" | "doubt" | "external" | "faults";

const LOOK_EVERY_MS = 5_000;
const COUNT_EVERY_MS = 15_000;

export function BrokersPage(): JSX.Element {
  const [search, patch] = usePageSearch();
  const maySeePositions = useMay("VIEW_POSITIONS");
  const mayManage = useMay("MANAGE_BROKERS");
  const accounts = useAnswer(BROKERS, {}, { everyMs: LOOK_EVERY_MS });
  const isPractice = accounts.data?.brokerAccounts.some((account) => account.isPaper) ?? false;
  const breaks = useOpenBreaks(maySeePositions);
  const doubts = usePages(IN_DOUBT, { first: 50 }, { pageOf: (data) => pageOfConnection(data.inDoubtOrders), everyMs: COUNT_EVERY_MS });
  const tabs: Tab<TabId>[] = [
    { id: "accounts", label: "Accounts" },
    ...(maySeePositions ? ([{ id: "breaks", label: "Breaks", count: breaks }, { id: "runs", label: "Reconciliations" }] as const) : []),
    { id: "doubt", label: "In doubt", count: doubts.data?.totalCount ?? undefined },
    ...(maySeePositions ? ([{ id: "external", label: "External orders" }] as const) : []),
    ...(mayManage && isPractice ? ([{ id: "faults", label: "Faults" }] as const) : []),
  ];
  const current = tabOf(search["tab"], tabs);
  const all = accounts.data?.brokerAccounts ?? [];
  return (
    <Page title="Brokers">
      <Tabs label="Brokers" tabs={tabs} current={current} onChoose={(tab) => patch({ tab, account: "" })} />
      {current === "accounts" && <AccountsTab answer={accounts} />}
      {current === "breaks" && <BreaksTab accounts={all} />}
      {current === "runs" && <RunsTab accounts={all} />}
      {current === "doubt" && <DoubtsTab pages={doubts} />}
      {current === "external" && <ExternalTab accounts={all} />}
      {current === "faults" && <FaultsTab accounts={all.filter((account) => account.isPaper)} />}
    </Page>
  );
}

function useOpenBreaks(isWanted: boolean): number | undefined {
  const answer = useAnswer(BREAKS, { isOpen: true, first: 1 }, { everyMs: COUNT_EVERY_MS, isWanted });
  return answer.data?.reconciliationBreaks.totalCount;
}
