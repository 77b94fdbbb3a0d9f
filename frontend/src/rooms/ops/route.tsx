export { OpsPage as Page } from "./OpsPage";
