export { ApprovalsPage as Page } from "./ApprovalsPage";
