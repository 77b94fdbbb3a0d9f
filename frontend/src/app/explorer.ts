/** Who may open GraphiQL: the server writes its setting into the page. */

export type ExplorerAudience = "off" | "admins" | "all";

export function explorerAudience(): ExplorerAudience {
  const content = document.querySelector<HTMLMetaElement>('meta[name="oms-graphiql"]')?.content;
  return content === "off" || content === "admins" ? content : "all";
}

export function mayExplore(scopes: readonly string[]): boolean {
  const audience = explorerAudience();
  return audience === "all" || (audience === "admins" && scopes.includes("ADMIN_TENANT"));
}
