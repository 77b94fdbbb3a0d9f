export { BrokersPage as Page } from "./BrokersPage";
