/** Settings: one's own (profile, look, password, second factor, sessions), the firm's people, and the firm itself. */
import type { JSX } from "react";

import { Tabs, tabOf, type Tab } from "../../shared/controls/Tabs";
import { Page } from "../../shared/page/Page";
import { usePageSearch } from "../../shared/page/search";
import { Forbidden } from "../../shared/page/states";
import { useMay } from "../../shared/session/viewer";
import { FirmTab } from "./FirmTab";
import { MembersTab } from "./MembersTab";
import { PoliciesTab } from "./PoliciesTab";
import { ProfileTab } from "./ProfileTab";
import { RolesTab } from "./RolesTab";
import { SecurityTab } from "./SecurityTab";

type TabId = "profile" | "security" | "members" | "roles" | "policies" | "firm";

const CONTENT: Record<TabId, () => JSX.Element> = {
  profile: ProfileTab,
  security: SecurityTab,
  members: MembersTab,
  roles: RolesTab,
  policies: PoliciesTab,
  firm: FirmTab,
};

export function SettingsPage(): JSX.Element {
  const [search, patch] = usePageSearch();
  const mayManageMembers = useMay("MANAGE_MEMBERS");
  const mayAdminister = useMay("ADMIN_TENANT");
  const mayAudit = useMay("VIEW_AUDIT");
  const maySeeOrders = useMay("VIEW_ORDERS");
  const tabs: Tab<TabId>[] = [
    { id: "profile", label: "Profile" },
    { id: "security", label: "Security" },
    ...(mayManageMembers ? ([{ id: "members", label: "Members" }, { id: "roles", label: "Roles" }] as const) : []),
    ...(maySeeOrders ? ([{ id: "policies", label: "Approval policies" }] as const) : []),
    ...(mayAdminister || mayAudit ? ([{ id: "firm", label: "Firm" }] as const) : []),
  ];
  const named = search["tab"];
  const current = tabOf(named, tabs);
  const isForbidden = named !== undefined && named !== current && Object.hasOwn(CONTENT, named);
  const Content = CONTENT[current];
  return (
    <Page title="Settings">
      <Tabs label="Settings" tabs={tabs} current={isForbidden ? null : current} onChoose={(tab) => patch({ tab })} />
      {isForbidden ? <Forbidden what="this part of the settings" /> : <Content />}
    </Page>
  );
}
