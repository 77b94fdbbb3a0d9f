export { CompliancePage as Page } from "./CompliancePage";
