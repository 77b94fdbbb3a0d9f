export { OverviewPage as Page } from "./OverviewPage";
