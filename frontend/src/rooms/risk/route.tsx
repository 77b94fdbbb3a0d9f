export { RiskPage as Page } from "./RiskPage";
